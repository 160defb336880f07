"""Names resources of equally named stacks in two regions differently, as AWS does by chance.

Stock ministack makes a name of the stack's name and the logical id alone; roles and buckets are no region's own, so a
second stack would take over the first one's. Source: CloudFormation User Guide, "Name type": such names are unique.
"""

from typing import Any

from ministack.core.responses import get_region
from ministack.services.cloudformation import provisioners

from local.embedded_cloud.drift_guard import Function, replace


def install() -> None:
    """Put the region into what a name's last part is made of; DriftError when ministack changed."""

    def wrap(stock: Function) -> Function:
        def physical_name(stack_name: str, logical_id: str, **options: Any) -> str:
            token = provisioners._NAME_SEED.set(f"{provisioners._NAME_SEED.get()}{get_region()}")
            try:
                return str(stock(stack_name, logical_id, **options))
            finally:
                provisioners._NAME_SEED.reset(token)

        return physical_name

    replace(provisioners, "_physical_name", "stack_name logical_id lowercase max_len seeded", wrap)
