"""A local AWS for this project's tests and demo: ministack, made as strict as AWS where it is kinder.

It must never edit the installed ministack, listen on anything but 127.0.0.1, or hand the host's environment on.
"""

from local.embedded_cloud.process import EmbeddedCloud, EmbeddedCloudError

__all__ = ["EmbeddedCloud", "EmbeddedCloudError"]
