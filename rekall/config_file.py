"""Reading and writing config.toml: every failure is one `ConfigError` that names the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rekall.constants import DIR_PERMISSIONS
from rekall.errors import ConfigError

CONFIG_NAME = "config.toml"


def read_toml(path: Path) -> dict[str, Any]:
    """The data of a TOML file; empty when there is none.

    Args:
        path: the file.

    Raises:
        ConfigError: the file cannot be read, is not UTF-8 or is malformed; the text names the file and the line.
    """
    text = _read_text(path)
    return {} if text is None else _parse(path, text)


def line_of(path: Path, section: str, name: str) -> int:
    """The line of a TOML file on which a key is set, from 1.

    No parser tells it. The lines above it, up to the nearest place where a document may end, are one without the key;
    with the lines of its value they are one that has it.

    Args:
        path: the file, which sets the key.
        section: the table that holds the key; empty at the top level.
        name: the key.
    """
    lines = (_read_text(path) or "").split("\n")

    def holds(count: int) -> bool | None:
        """Whether the first lines set the key; None: they end inside a value."""
        try:
            data = _parse(path, "".join(f"{line}\n" for line in lines[:count]))
        except ConfigError:
            return None
        table = data.get(section) if section else data
        return isinstance(table, dict) and name in table

    # above the first line that may name it there is nothing to parse; a backslash may be part of an escaped name
    first = next((index for index, line in enumerate(lines) if name in line or "\\" in line), 0)
    start = next(count for count in range(first, -1, -1) if holds(count) is not None)
    for count in range(start + 1, len(lines) + 1):
        found = holds(count)
        if found:
            break
        if found is False:
            start = count
    return min(start, len(lines) - 1) + 1


def update_toml(path: Path, updates: dict[str, Any]) -> None:
    """Put values into a TOML file, atomically and readable by its owner alone; comments and layout stay.

    A table is merged one level deep with the table of that name, every other value replaces the old one, and None
    removes a key or a table. The directory is created when missing.

    Args:
        path: the file; a symbolic link stays one.
        updates: top-level keys and tables.

    Raises:
        ConfigError: the file cannot be read, is malformed (it stays as it is) or cannot be written.
    """
    text = _read_text(path) or ""
    _parse(path, text)

    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        for name, value in updates.items():
            table = document.get(name)
            if isinstance(value, dict) and isinstance(table, dict):
                for key, inner in value.items():
                    _put(table, key, inner)
            else:
                _put(document, name, value)
        _write_atomically(path, tomlkit.dumps(document))
    except (TOMLKitError, TypeError, ValueError) as exc:
        raise ConfigError(f"{path}: the new values cannot be written as TOML: {exc}; the file stays as it is") from exc
    except OSError as exc:
        raise ConfigError(
            f"cannot write {path}: {exc.strerror or exc}; mend its permissions or free some room"
        ) from exc


def _put(table: Any, key: str, value: Any) -> None:
    if value is None:
        table.pop(key, None)
    elif isinstance(value, dict):
        table[key] = {name: inner for name, inner in value.items() if inner is not None}
    else:
        table[key] = value


def _write_atomically(path: Path, text: str) -> None:
    import tempfile

    target = path.resolve()
    target.parent.mkdir(mode=DIR_PERMISSIONS, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # created with mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _read_text(path: Path) -> str | None:
    try:
        # Some Windows editors put a byte order mark in front, which TOML does not know.
        return path.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as exc:
        line = exc.object[: exc.start].count(b"\n") + 1
        raise ConfigError(
            f"Failed to load configuration {path}, line {line}: the file is not UTF-8; save it as UTF-8"
        ) from exc
    except OSError as exc:
        raise ConfigError(
            f"Failed to load configuration {path}: {exc.strerror or exc}; make it a readable file or remove it"
        ) from exc


def _parse(path: Path, text: str) -> dict[str, Any]:
    # Not at import time: most people have no config.toml, and then the parser is never loaded.
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        return tomllib.loads(text)
    except ValueError as exc:  # TOMLDecodeError, and the limit on the digits of an integer
        import re

        reason = str(exc)
        place = re.search(r" \(at line (\d+), column (\d+)\)$", reason)
        if place:
            line, where = place[1], f", column {place[2]}"
            reason = reason[: place.start()]
        else:
            line, where = str(text.rstrip().count("\n") + 1), ""
        reason = reason.removesuffix(" (at end of document)")
        raise ConfigError(f"{path}, line {line}{where}: malformed TOML: {reason}; mend or remove that line") from exc
