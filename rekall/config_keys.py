"""Every key of config.toml, declared once: the reader and `rekall config --show` walk the same table.

The sections of Rekall 0.3 are read as 0.3 read them: what it converted is converted, what it ignored is ignored, and
one warning a file now says so. The newer keys (`strict`) accept no misspelling and no other type. A deprecated key is
read as the one that took its place, with a warning of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rekall.config_file import line_of
from rekall.deprecation import RekallDeprecationWarning, Rows, row_of, warn_deprecated_at
from rekall.errors import ConfigError

_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "text": (str,),
    "table": (dict,),
}
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off", "")


@dataclass(frozen=True)
class ConfigKey:
    """One key of config.toml.

    Args:
        section: the table that holds it; empty at the top level.
        name: the key.
        kind: "boolean", "integer", "number", "text" or "table".
        attribute: where `Config` keeps the value; empty for data_dir, which the path resolver reads.
        convert: how 0.3 converted the value; None when it is taken as it is.
        choices: the accepted values; any when empty.
        limits: lowest and highest accepted value.
        strict: whether another type is an error.
        environment: the variable that overrides the file.
    """

    section: str
    name: str
    kind: str
    attribute: str
    convert: Callable[[Any], Any] | None = None
    choices: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None
    strict: bool = False
    environment: str = ""

    @property
    def dotted(self) -> str:
        """The key with its section, as in `promotion.threshold`."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def accepted(self) -> str:
        """What the key accepts, as text for a person."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.limits:
            return f"a number from {self.limits[0]} to {self.limits[1]}"
        return "text" if self.kind == "text" else f"{'an' if self.kind == 'integer' else 'a'} {self.kind}"


def _promotion(name: str, kind: str = "number") -> ConfigKey:
    return ConfigKey("promotion", name, kind, f"promotion_{name}", float if kind == "number" else int)


def _performance(name: str) -> ConfigKey:
    return ConfigKey("performance", name, "integer", f"perf_{name}", int)


def _backends(name: str, kind: str, attribute: str, environment: str = "") -> ConfigKey:
    return ConfigKey("backends", name, kind, attribute, strict=True, environment=environment)


KEYS: tuple[ConfigKey, ...] = (
    ConfigKey("", "data_dir", "text", ""),
    ConfigKey("smart_embeddings", "enabled", "boolean", "smart_embeddings_enabled"),
    ConfigKey("smart_embeddings", "model", "text", "smart_embeddings_model"),
    ConfigKey("smart_embeddings", "dimensions", "integer", "smart_embeddings_dimensions"),
    ConfigKey("smart_embeddings", "similarity_threshold", "number", "smart_embeddings_similarity_threshold"),
    ConfigKey(
        "smart_embeddings",
        "context_mode",
        "text",
        "smart_embeddings_context_mode",
        choices=("required", "recommended", "optional"),
    ),
    ConfigKey("smart_embeddings", "max_context_size", "integer", "max_context_size", int),
    ConfigKey("ui", "detail_panel_ratio", "number", "ui_detail_panel_ratio", float, limits=(0.5, 4.0)),
    ConfigKey("ui", "column_widths", "table", "ui_column_widths", dict),
    _promotion("threshold"),
    _promotion("near_threshold_pct"),
    _promotion("citation_weight"),
    _promotion("project_weight"),
    _promotion("recency_weight"),
    _promotion("recency_half_life_days"),
    _promotion("max_citations", "integer"),
    _promotion("max_projects", "integer"),
    ConfigKey("autoscan", "enabled", "boolean", "autoscan_enabled", bool),
    ConfigKey("autoscan", "interval_hours", "number", "autoscan_interval_hours", float),
    ConfigKey("autoscan", "connectors", "text", "autoscan_connectors", str),
    _performance("cache_max_size"),
    _performance("cache_ttl_seconds"),
    _performance("model_idle_timeout_minutes"),
    ConfigKey("performance", "vector_backend", "text", "perf_vector_backend", choices=("auto", "sqlite-vec", "numpy")),
    ConfigKey("", "debug", "boolean", "debug_backends", strict=True, environment="REKALL_DEBUG"),
    ConfigKey("", "debug_file", "text", "debug_file", strict=True, environment="REKALL_DEBUG_FILE"),
    ConfigKey(
        "",
        "debug_format",
        "text",
        "debug_format",
        choices=("auto", "text", "json"),
        strict=True,
        environment="REKALL_DEBUG_FORMAT",
    ),
    _backends("database", "text", "database_backend", "REKALL_DATABASE_BACKEND"),
    _backends("cache", "text", "cache_backend", "REKALL_CACHE_BACKEND"),
    _backends("database_options", "table", "database_options"),
    _backends("cache_options", "table", "cache_options"),
    ConfigKey("backends", "cache_on_error", "text", "cache_on_error", choices=("bypass", "raise"), strict=True),
)

OLDER_KEYS: Mapping[str, str] = {
    "debug_backends": "debug",
}
"""Deprecated keys, dotted, each with the key that took its place (not data_dir) and a row in the register."""

_SECTIONS = tuple(dict.fromkeys(key.section for key in KEYS if key.section))


def read_keys(
    data: Mapping[str, Any], file: Path, *, older: Mapping[str, str] = OLDER_KEYS, rows: Rows | None = None
) -> tuple[list[tuple[ConfigKey, Any]], list[str]]:
    """The values that a config.toml sets.

    Args:
        data: what the file holds.
        file: its path, for the messages.
        older: the deprecated keys, and what they stand for.
        rows: the register that has them; None: the one that ships.

    Returns:
        The keys with their values, and lines for a person: one for each deprecated key, with its place, and one about
        everything that was ignored or is doubtful.

    Raises:
        ConfigError: a value that cannot be converted, or a mistake in one of the newer keys.
    """
    values: list[tuple[ConfigKey, Any]] = []
    unknown: list[str] = []
    doubts: list[str] = []
    lines: list[str] = []
    known = {(key.section, key.name): key for key in KEYS}
    dotted = {key.dotted: key for key in KEYS}
    entries = list(_entries(data, file, {name.rpartition(".")[0] for name in older}))
    given = {(section, name) for section, name, _ in entries}
    for section, name, value in entries:
        key = known.get((section, name))
        old = f"{section}.{name}" if section else name
        newer = dotted[older[old]] if key is None and old in older else None
        if newer and (newer.section, newer.name) in given:
            lines.append(_deprecated(old, section, name, file, rows) + f"; it is ignored, {newer.dotted} is set too")
            continue
        key = key or newer
        if key is None:
            unknown.append(_unknown(section, name, value, file))
            continue
        accepted, result, doubt = _read(replace(key, section=section, name=name), value, file)
        if accepted and key.attribute:
            values.append((key, result))
        if doubt:
            doubts.append(doubt)
        if newer:
            lines.append(_deprecated(old, section, name, file, rows))
    notes = [f"unknown key{'s'[: len(unknown) > 1]} {', '.join(unknown)}"] if unknown else []
    notes += doubts
    return values, [*lines, f"{file}: {'; '.join(notes)}"] if notes else lines


def _deprecated(dotted: str, section: str, name: str, file: Path, rows: Rows | None) -> str:
    """Warn about a deprecated key at its line; returns the words for a person."""
    row = row_of(dotted, rows)
    line = line_of(file, section, name)
    warn_deprecated_at(row, str(file), line, str(file))
    return f"{file}:{line}: {RekallDeprecationWarning(row)}"


def read_environment(environment: Mapping[str, str]) -> list[tuple[ConfigKey, Any]]:
    """The values that environment variables set; they override the file.

    Args:
        environment: the variables; a blank one sets no text.

    Raises:
        ConfigError: a variable with a value that is not accepted.
    """
    values: list[tuple[ConfigKey, Any]] = []
    for key in KEYS:
        text = environment.get(key.environment) if key.environment else None
        if text is None:
            continue
        word = text.strip()
        if key.kind == "text":
            if word and key.choices and word not in key.choices:
                raise _refused_variable(key, text, f"one of {', '.join(key.choices)}")
            values += [(key, word)] if word else []
        elif word.lower() in _TRUE + _FALSE:
            values.append((key, word.lower() in _TRUE))
        else:
            raise _refused_variable(key, text, f"one of {', '.join(_TRUE)} or {', '.join(filter(None, _FALSE))}")
    return values


def _refused_variable(key: ConfigKey, text: str, accepted: str) -> ConfigError:
    return ConfigError(f"environment {key.environment} is {_shown(text)}: set it to {accepted}, or unset it")


def wrong_type(file: Path, dotted: str, value: object, accepted: str) -> ConfigError:
    """The error for a value of a type that its key does not accept.

    Args:
        file: the config.toml.
        dotted: the key.
        value: what the file holds.
        accepted: what the key accepts.
    """
    return ConfigError(f"{file}: {dotted} is {_type_of(value)}, {accepted} is needed; correct the line or remove it")


def _entries(data: Mapping[str, Any], file: Path, older: Collection[str]) -> Iterator[tuple[str, str, Any]]:
    """Section, name and value of everything in the file; an unknown table comes as one top-level value.

    Args:
        older: sections that deprecated keys are in, known or not.
    """
    for name, value in data.items():
        if name not in _SECTIONS and not (name in older and isinstance(value, dict)):
            yield "", name, value
        elif not isinstance(value, dict):
            raise wrong_type(file, name, value, f"a table [{name}]")
        else:
            for inner, inner_value in value.items():
                yield name, inner, inner_value


def _read(key: ConfigKey, value: Any, file: Path) -> tuple[bool, Any, str | None]:
    """Whether the value is taken, the value to keep, and what is doubtful about it."""
    fits = _fits(key.kind, value)
    if key.strict and not fits:
        raise wrong_type(file, key.dotted, value, key.accepted)
    if key.strict and key.choices and value not in key.choices:
        raise ConfigError(f"{file}: {key.dotted} is {_shown(value)}: set it to {key.accepted}, or remove the line")
    result = value
    if key.convert is not None:
        try:
            result = key.convert(value)
        except (TypeError, ValueError, OverflowError) as exc:
            raise wrong_type(file, key.dotted, value, key.accepted) from exc
    if (key.choices and result not in key.choices) or (key.limits and not key.limits[0] <= result <= key.limits[1]):
        return False, None, f"{key.dotted} = {_shown(value)} is ignored, it is not {key.accepted}"
    if fits or (key.convert in (int, float) and float(value) == result):
        return True, result, None
    reading = "used as it is" if key.convert is None else f"read as {_shown(result)}"
    return True, result, f"{key.dotted} is {_type_of(value)} instead of {key.accepted}, {reading}"


def _unknown(section: str, name: str, value: Any, file: Path) -> str:
    """Words for the warning about an unknown key; an error when it is surely meant as one of the newer keys."""
    shown = _bare(name) if section or not isinstance(value, dict) else f"[{_bare(name)}]"
    if section:
        shown = f"{section}.{shown}"
    near = _nearest(section, name)
    meant = near in ("debug", "[backends]") or any(key.strict and key.attribute == name for key in KEYS)
    if section == "backends" or (not section and meant):
        inside = ", ".join(key.dotted for key in KEYS if key.section == "backends")
        advice = f"did you mean {near}?" if near else f"known here: {inside}"
        raise ConfigError(f"{file}: unknown key {shown} ({_type_of(value)}); {advice}")
    return f"{shown} (did you mean {near}?)" if near else shown


def _nearest(section: str, name: str) -> str | None:
    """The known key that a misspelt one resembles: of its own section first, then anywhere."""
    import difflib

    own = {key.name: key.dotted for key in KEYS if key.section == section}
    if not section:
        own |= {known: f"[{known}]" for known in _SECTIONS}
    anywhere = {spelling: key.dotted for key in KEYS for spelling in (key.name, key.attribute) if spelling}
    if name in anywhere:  # the right name in the wrong place, or the name that Python code uses
        return anywhere[name]
    for candidates in (own, anywhere):
        found = difflib.get_close_matches(name.lower(), candidates, n=1, cutoff=0.7)
        if found:
            return candidates[found[0]]
    return None


def _fits(kind: str, value: object) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _type_of(value: object) -> str:
    for kind in ("boolean", "integer", "number", "text", "table"):
        if _fits(kind, value):
            return {"text": "text", "integer": "an integer"}.get(kind, f"a {kind}")
    return "an array" if isinstance(value, list) else "a date or time"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _bare(name: str) -> str:
    """A key as it stands in the file: quoted unless TOML takes it bare."""
    return name if name.replace("-", "_").isidentifier() else repr(name)
