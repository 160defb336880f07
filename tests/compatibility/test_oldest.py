"""The packages in use are the oldest that the layer may have: `make compatibility` puts them before the others."""

import importlib
import importlib.metadata
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.support.lock_files import ROOT, direct, pins

OLDEST = ROOT / ".build" / "oldest"
MODULES = {"aws-lambda-powertools": "aws_lambda_powertools"}

pytestmark = pytest.mark.skipif(
    str(OLDEST) not in map(str, map(Path, sys.path)), reason="only `make compatibility` puts the oldest packages first"
)


@pytest.mark.parametrize("name", sorted(direct("runtime")))
def test_a_package_of_the_layer_is_the_oldest(name: str) -> None:
    module = importlib.import_module(MODULES.get(name, name))
    assert Path(str(module.__file__)).is_relative_to(OLDEST)
    assert importlib.metadata.version(name) == pins("oldest")[canonicalize_name(name)]


def test_the_layers_own_code_is_that_of_the_repository() -> None:
    import threadrun

    assert Path(str(threadrun.__file__)).is_relative_to(ROOT / "layers")
