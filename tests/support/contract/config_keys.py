"""`config_keys.json` walked: every key of config.toml, and every attribute that has none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rekall.config import Config
from rekall.config_keys import KEYS
from rekall.paths import PathSource, ResolvedPaths
from support.contract.finding import Finding, absent, compared, facts

RECORDED: dict[str, Any] = facts("config_keys.json")


def walk() -> Iterator[Finding]:
    """Everything that config.toml and `Config` of Rekall 0.3 held."""
    nowhere = Path("nowhere")
    config = Config(ResolvedPaths(nowhere, nowhere, nowhere, nowhere / "k.db", PathSource.CLI))
    for fact in RECORDED["keys"]:
        yield _key(fact, config)
    for fact in RECORDED["config_attributes_without_toml_key"]:
        item = f"config.toml ({fact['name']})"
        if hasattr(config, fact["name"]):
            yield compared(item, "attribute", ("default", fact["default"], getattr(config, fact["name"])))
        else:
            yield absent(item, "attribute")


def _key(fact: Mapping[str, Any], config: Config) -> Finding:
    section, name = fact["section"] or "", fact["key"]
    item = f"config.toml {section}.{name}" if section else f"config.toml {name}"
    found = next((key for key in KEYS if (key.section, key.name) == (section, name)), None)
    if found is None:
        return absent(item, "key")
    return compared(
        item,
        "key",
        ("type", re.split(r"\W", fact["type"])[0], found.kind),
        ("attribute", fact["config_attribute"] or "", found.attribute),
        ("default", fact["default"], getattr(config, found.attribute) if found.attribute else None),
    )
