"""What the log lines of all functions have in common."""

from __future__ import annotations

import logging

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers

PACKAGE = "threadrun"


def share_logger(logger: Logger) -> None:
    """Have the package's own lines written as lines of this function, with its level and its keys."""
    logging.getLogger(PACKAGE)  # Only a known one is configured.
    copy_config_to_registered_loggers(logger, include={PACKAGE})
