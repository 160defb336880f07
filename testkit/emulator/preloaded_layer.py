"""Imported by the process that functions are forked from: all that they import themselves, from their own layer."""

import functools
import importlib
import os
import pkgutil
import sys

LAYER = "PRELOADED_LAYER"
"""The environment variable with the layer's folder."""
_AFTERWARDS = (
    "aws_lambda_powertools.utilities.parameters",
    *(f"openai.resources.{name}" for name in ("beta", "conversations", "responses", "vector_stores")),
)
"""What is imported when it is first used."""
_CLIENTS = ("dynamodb", "events", "s3", "secretsmanager", "stepfunctions")


def _import_all() -> None:
    sys.path.insert(0, f"{os.environ[LAYER]}/python")
    package = importlib.import_module("threadrun")
    modules = [each.name for each in pkgutil.walk_packages(package.__path__, "threadrun.")]
    for name in (*modules, *_AFTERWARDS):
        importlib.import_module(name)


def _read_definitions() -> None:
    """Have botocore read what it knows of services once; a session made here would keep this process's credentials."""
    from botocore.loaders import JSONFileLoader
    from botocore.session import Session

    read = functools.cache(functools.partial(JSONFileLoader.load_file, JSONFileLoader()))
    setattr(JSONFileLoader, "load_file", lambda self, path: read(path))  # noqa: B010 - mypy lets no method be assigned
    for name in _CLIENTS:
        Session().create_client(name, "us-east-1", aws_access_key_id="-", aws_secret_access_key="-")


if LAYER in os.environ:
    _import_all()
    _read_definitions()
