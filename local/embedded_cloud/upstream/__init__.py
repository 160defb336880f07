"""General fixes of ministack, each a file of its own; docs/upstream has the text of the issue for each.

A file imports nothing of this project but the drift guard, so that its fix can be offered to ministack as it is.
"""

from types import ModuleType

from local.embedded_cloud.upstream import (
    error_types,
    event_conditions,
    jsonata_timeouts,
    repeated_requests,
    shared_layers,
    task_tokens,
    unique_names,
    yaml_definitions,
)

FIXES: tuple[ModuleType, ...] = (
    error_types,
    event_conditions,
    jsonata_timeouts,
    repeated_requests,
    shared_layers,
    task_tokens,
    unique_names,
    yaml_definitions,
)
