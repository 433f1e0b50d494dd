"""What the tests of the server share with those of Rekall: a home of their own, and long drills on request only."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest


def _of_rekall() -> ModuleType:
    """The conftest.py of Rekall's tests, which pytest itself loads only where these run too."""
    spec = spec_from_file_location("conftest_of_rekall", Path(__file__).parents[2] / "tests" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_shared = _of_rekall()
plugins = _shared.plugins
_own_home = _shared._own_home
pytest_configure = _shared.pytest_configure
pytest_collection_modifyitems = _shared.pytest_collection_modifyitems


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of Rekall's tests, where those have not added them."""
    try:
        _shared.pytest_addoption(parser)
    except ValueError as error:
        if "already added" not in str(error):
            raise
