"""Where settings are read from: rekall-server.toml, the environment, the flags; and how each is named in an error."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from rekall.errors import ConfigError
from rekall_server.secrets_in_text import masked_url
from rekall_server.settings_model import PREFIX, Settings, kind_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LONGEST = 60
"""Characters of a wrong value that are shown."""


class Layer(NamedTuple):
    """What one source sets.

    Args:
        kind: `file`, `environment` or `flag`.
        values: by name of the setting.
        file: the file, of that kind.
    """

    kind: str
    values: Mapping[str, Any]
    file: Path | None = None

    def spelling(self, name: str) -> str:
        """A setting as it is written in this source."""
        if self.kind == "environment":
            return f"{PREFIX}{name.upper()}"
        return flag_of(name) if self.kind == "flag" else name

    def origin(self, name: str) -> str:
        """Where a value of this source came from, as text for a person."""
        return f"file {self.file}" if self.kind == "file" else f"{self.kind} {self.spelling(name)}"

    def refused(self, name: str) -> ConfigError:
        """The error for the value that this source gives a setting."""
        value = _shown(name, self.values[name])
        accepted = accepted_by(name)
        if self.kind == "file":
            return ConfigError(f"{self.file}: {name} is {value}: set it to {accepted}, or remove the line")
        if self.kind == "environment":
            return ConfigError(f"{self.origin(name)} is {value}: set it to {accepted}, or unset it")
        return ConfigError(f"{self.origin(name)} is {value}: give {accepted}")


def accepted_by(name: str) -> str:
    """What a setting takes, as an object in a sentence."""
    extra = Settings.model_fields[name].json_schema_extra
    return str(extra["accepts"]) if isinstance(extra, dict) else "another value"


def flag_of(name: str) -> str:
    """The flag of a setting."""
    return f"--{name.replace('_', '-')}"


def file_layer(file: Path, named_by: str) -> Layer:
    """What a rekall-server.toml sets.

    Args:
        file: its path.
        named_by: the flag or variable that names it; empty for the usual place.

    Raises:
        ConfigError: it cannot be read, is malformed, has an unknown key or a value of a wrong type.
    """
    data = _parsed(file, _text(file, named_by))
    for key in data:
        if key not in Settings.model_fields:
            raise ConfigError(f"{file}: unknown key {key}; {_advice(key.lower().replace('-', '_'), str)}")
    layer = Layer("file", data, file)
    for key, value in data.items():
        if not _fits(kind_of(key), value):
            raise layer.refused(key)
    return layer


def environment_layer(environment: Mapping[str, str], besides: Collection[str]) -> Layer:
    """What the variables set; one that is empty sets nothing.

    Args:
        environment: the variables of this process.
        besides: those with the prefix that are no setting.

    Raises:
        ConfigError: one with the prefix that stands for no setting.
    """
    for variable in sorted(environment):
        name = variable.upper().removeprefix(PREFIX).lower()
        if variable.upper().startswith(PREFIX) and variable not in besides and name not in Settings.model_fields:
            advice = _advice(name, lambda near: f"{PREFIX}{near.upper()}")
            raise ConfigError(f"environment {variable} is not a setting of rekall-server; {advice}")
    return Layer("environment", _Variables(Settings)())


def flags_layer(flags: Mapping[str, Any]) -> Layer:
    """What the command line sets; None is not given.

    Args:
        flags: by name of the setting.
    """
    return Layer("flag", {name: value for name, value in flags.items() if value is not None})


class _Variables(EnvSettingsSource):
    """The variables as text, which the fields themselves take apart: no list is written as JSON."""

    def field_is_complex(self, field: FieldInfo) -> bool:
        return False

    def prepare_field_value(self, field_name: str, field: FieldInfo, value: Any, value_is_complex: bool) -> Any:
        return value


def _text(file: Path, named_by: str) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(f"{named_by or 'rekall-server'} names {file}, which is not there: correct it") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{file}, line {line}: the file is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"cannot read {file}: {reason}; make it a file that this user may read") from error


def _parsed(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and the limit on the digits of an integer
        reason = str(error)
        found = re.search(r" \(at line (\d+), column \d+\)$", reason)
        line = found[1] if found else str(text.rstrip().count("\n") + 1)
        reason = reason[: found.start()] if found else reason.removesuffix(" (at end of document)")
        raise ConfigError(f"{file}, line {line}: malformed TOML: {reason}; mend or remove that line") from None


def _fits(kind: Any, value: object) -> bool:
    """Whether a value of TOML has the type of a setting: nothing is converted, as text is in the environment."""
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if kind is list:
        return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))
    return isinstance(value, int if kind is int else (int, float) if kind is float else str)


def _advice(name: str, spell: Callable[[str], str]) -> str:
    near = difflib.get_close_matches(name, Settings.model_fields, n=1, cutoff=0.6)
    return f"did you mean {spell(near[0])}?" if near else "'rekall-server --help' lists the settings"


def _shown(name: str, value: Any) -> str:
    if kind_of(name) is SecretStr and isinstance(value, (str, SecretStr)):
        value = masked_url(value.get_secret_value() if isinstance(value, SecretStr) else value)
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
