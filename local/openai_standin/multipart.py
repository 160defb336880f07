"""Exists because a file is uploaded as `multipart/form-data`, the one body that is not JSON."""

from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

MEDIA_TYPE = "multipart/form-data"


class Upload(dict[str, Any]):
    """What is kept of an uploaded file: `filename` and `bytes`, its size; never the content."""


def parsed(content_type: str, body: bytes) -> dict[str, Any]:
    """Read a form into a dict: fields as text (`a[b]` is `b` within `a`), files as `Upload`."""
    form = BytesParser(policy=HTTP).parsebytes(b"content-type: " + content_type.encode() + b"\r\n\r\n" + body)
    values: dict[str, Any] = {}
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            continue
        filename = part.get_filename()
        value = content.decode() if filename is None else Upload(filename=filename, bytes=len(content))
        outer, _, inner = name.removesuffix("]").partition("[")
        if inner:
            values.setdefault(outer, {})[inner] = value
        else:
            values[outer] = value
    return values
