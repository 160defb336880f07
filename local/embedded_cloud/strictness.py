"""Installs every patch, in one place, so that a reader sees what the emulator does differently from stock ministack."""

from local.embedded_cloud import (
    callbacks,
    cancellation,
    custom_resources,
    deletions,
    error_types,
    event_conditions,
    http_routes,
    metrics,
    no_echo,
    repeated_requests,
    rollbacks,
    shared_layers,
    stack_patches,
    unique_names,
    worker_limit,
    yaml_definitions,
)


def install() -> None:
    """Make this process's ministack as strict as AWS; DriftError when a patched function changed."""
    error_types.install()
    custom_resources.install()
    http_routes.install()
    no_echo.install()
    stack_patches.install()
    rollbacks.install()
    deletions.install()
    cancellation.install()
    yaml_definitions.install()
    repeated_requests.install()
    metrics.install()
    worker_limit.install()
    shared_layers.install()
    callbacks.install()
    event_conditions.install()
    unique_names.install()
