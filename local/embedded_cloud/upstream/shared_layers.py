"""A layer is unpacked once, not once for each process of a function.

AWS: mounts the layers of a function read-only, under /opt; a warm or a new environment unpacks nothing.
https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html
ministack: unpacks every layer anew for each worker process. With a layer of 55 MB this is most of a start, and as much
disk for each process.
Fix: unpack a layer into a folder that is named by its digest, and link to that folder. Functions cannot see the
difference, because they may not write to a layer.
"""

import hashlib
import inspect
import tempfile
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime

from local.embedded_cloud.drift_guard import DriftError

_UNPACKS_A_LAYER = "lzf.extractall(layer_dir)"
_unpacking = threading.Lock()


class _Package(zipfile.ZipFile):
    """A package of code, or a layer: the directory of a layer becomes a link to the one unpacked copy."""

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        directory = Path(path)
        if not directory.name.startswith("layer_"):
            super().extractall(path, members, pwd)
            return
        digest = hashlib.sha256(Path(str(self.filename)).read_bytes()).hexdigest()
        copy = Path(tempfile.gettempdir()) / f"layer-{digest[:16]}"
        with _unpacking:
            if not copy.exists():
                unfinished = copy.with_suffix(".unfinished")
                super().extractall(unfinished)
                unfinished.rename(copy)
        directory.rmdir()
        directory.symlink_to(copy)


def install() -> None:
    """Patch how a worker unpacks; DriftError when ministack unpacks layers in another way."""
    if _UNPACKS_A_LAYER not in inspect.getsource(lambda_runtime.Worker._spawn):
        raise DriftError(f"Worker._spawn no longer holds {_UNPACKS_A_LAYER!r}")
    lambda_runtime.zipfile = SimpleNamespace(ZipFile=_Package, BadZipFile=zipfile.BadZipFile)
