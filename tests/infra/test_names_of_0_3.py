"""What programs written for Rekall 0.3 import from the adapter layer is there, and can be called as they call it."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[1] / "data" / "compat" / "python_api.json"
API: dict[str, Any] = json.loads(DATA.read_text("utf-8"))
MODULES = ["rekall.infra", "rekall.infra.container", "rekall.infra.defaults", "rekall.infra.interfaces", "rekall.cache"]
# the register of defaults and the old package of the database come with the rest of 0.3's API
LATER = {"Database", "DatabaseError", "MigrationError", "register_defaults"}


def _names() -> list[tuple[str, str]]:
    found = []
    for module in MODULES:
        facts = API[module]
        names = [line.split(" from ")[0] for line in facts.get("reexports", [])]
        names += [*facts.get("classes", {}), *facts.get("functions", {})]
        found += [(module, name) for name in names if name not in LATER]
    return found


def _signatures() -> list[tuple[str, str, list[dict[str, Any]]]]:
    found = []
    for module in MODULES:
        for name, function in API[module].get("functions", {}).items():
            found.append((module, name, function["parameters"]))
        for name, facts in API[module].get("classes", {}).items():
            for member, method in facts["members"].items():
                if method["kind"] in ("method", "classmethod"):
                    found.append((module, f"{name}.{member}", method["parameters"]))
    return [one for one in found if one[1] not in LATER]


@pytest.mark.parametrize(("module", "name"), _names())
def test_every_name_is_there(module: str, name: str) -> None:
    """In the module that 0.3 had it in."""
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize(
    ("module", "path", "parameters"), _signatures(), ids=lambda one: one if isinstance(one, str) else ""
)
def test_every_call_of_0_3_fits(module: str, path: str, parameters: list[dict[str, Any]]) -> None:
    """By position, by name, and with its optional arguments left out."""
    function: Any = importlib.import_module(module)
    for part in path.split("."):
        function = getattr(function, part)
    bound = inspect.ismethod(function) or "." not in path
    own: tuple[Any, ...] = () if bound or inspect.isclass(function) else (None,)
    signature = inspect.signature(function)
    required = [each["name"] for each in parameters if each.get("required")]
    everything = [each["name"] for each in parameters]
    signature.bind(*own, *required)
    signature.bind(*own, *everything)
    if path != "register_backend":  # where `backend=` lives on as a keyword of its own
        signature.bind(*own, **dict.fromkeys(everything))
    else:
        signature.bind(name="x", backend=None)
