"""What CloudFormation's contract fixes: where responses may go, what they may hold, and the id of what was never made.

Standard library only: reading requests and deciding about them must not reach the network.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import os
import re

NOT_CREATED = "not-created-"
"""Begins the physical id of what failed before anything was made."""
URL_LIFE_SECONDS = 2 * 3600
"""How long a ResponseURL can be used: CloudFormation signs with `X-Amz-Expires=7200`, and dates `Expires` as far ahead.

Source: requests of CloudFormation that were published; its documentation gives no figure.
"""
_LOOPBACK = r"https?://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?"
_SUFFIXES = {"cn-": "amazonaws.com.cn", "eusc-": "amazonaws.eu"}
"""Of hosts, by how the names of a partition's regions begin."""
_PATH = r"/[!-\[\]-~]*"
_UNREADABLE = re.compile(r"[^\t\n\r -~\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def is_response_url(url: str, *, allow_loopback: bool) -> bool:
    """Whether responses may go there: https on CloudFormation's bucket of this region, or loopback where it is opened.

    The whole text is judged, not what a parser makes of it: urllib3, which connects, and urlsplit find different hosts
    in `https://one\\@other/`. Anybody may own a bucket that is named like those of CloudFormation in other regions.
    """
    region = os.environ.get("AWS_REGION", "")  # Lambda sets it.
    bucket = "cloudformation-custom-resource-response-" + region.replace("-", "")
    # Each partition has names of its own. The host without a region is that of the commercial one.
    suffix = next((end for start, end in _SUFFIXES.items() if region.startswith(start)), "amazonaws.com")
    is_commercial = suffix == "amazonaws.com" and not region.startswith("us-gov-")
    host = rf"{re.escape(bucket)}\.s3([.-]{re.escape(region)}){'?' if is_commercial else ''}\.{re.escape(suffix)}"
    if region and re.fullmatch(f"https://{host}(:443)?{_PATH}", url):
        return True
    return allow_loopback and re.fullmatch(_LOOPBACK + _PATH, url) is not None


def readable(text: str) -> str:
    """The text with `?` for what XML cannot hold: one control character makes all events of a stack unreadable.

    Source: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1601
    """
    return _UNREADABLE.sub("?", text)
