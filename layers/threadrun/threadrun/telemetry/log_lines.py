"""What the log lines of all functions have in common."""

from __future__ import annotations

import logging
import traceback

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from botocore.exceptions import ClientError

from threadrun.errors import ThreadRunError

PACKAGE = "threadrun"


def share_logger(logger: Logger) -> None:
    """Have the package's own lines written as lines of this function, with its level and its keys."""
    logging.getLogger(PACKAGE)  # Only a known one is configured.
    copy_config_to_registered_loggers(logger, include={PACKAGE})


def error_facts(error: Exception) -> dict[str, object]:
    """What a line may say of an error: its kind and where it was raised, and its text if that is ours or AWS's.

    Never a traceback: it has the text of each error that led there, and a server or the HTTP library may quote the key.
    """
    reasons = {"reason": str(error)} if isinstance(error, ThreadRunError | ClientError) else {}
    return {"error": type(error).__name__, **reasons, "places": traceback.format_tb(error.__traceback__)}
