"""Stacks of one name in two regions get different names for the resources that they do not name.

AWS: a name that CloudFormation generates is unique; an IAM role belongs to no region, a bucket's name is global.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
ministack: derives the name from the stack's name and the logical id, so the second stack takes over the first one's.
Fix: add the region to what the suffix of the name is derived from.
"""

from typing import Any

from ministack.core.responses import get_region
from ministack.services.cloudformation import provisioners

from local.embedded_cloud.drift_guard import Call, around


def _with_region(call: Call) -> Any:
    token = provisioners._NAME_SEED.set(f"{provisioners._NAME_SEED.get()}{get_region()}")
    try:
        return call.proceed()
    finally:
        provisioners._NAME_SEED.reset(token)


def install() -> None:
    """Patch how a name is derived; DriftError when ministack changed."""
    around(provisioners, "_physical_name", "stack_name logical_id lowercase max_len seeded", _with_region)
