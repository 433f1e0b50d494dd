"""The settings with where each came from: defaults, the file, the environment and the flags, the last one wins."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from rekall.errors import ConfigError
from rekall_server.settings_model import DEFAULT, FILE_NAME, PREFIX, Settings, config_folder, may_be_there
from rekall_server.settings_sources import Layer, environment_layer, file_layer, flags_layer

__all__ = ["Loaded", "Settings", "load"]

CONFIG_VARIABLE = f"{PREFIX}CONFIG"


class Loaded(NamedTuple):
    """The settings of a process.

    Args:
        settings: the values.
        origins: for every setting where its value came from: `default`, `file PATH`, `environment NAME` or
            `flag --NAME`.
        file: the rekall-server.toml that was read, None without one.
    """

    settings: Settings
    origins: Mapping[str, str]
    file: Path | None


def load(flags: Mapping[str, Any], config_file: Path | None = None) -> Loaded:
    """Read the settings of this process.

    Args:
        flags: what the command line gives, by name of the setting; text is read as a variable is. None is not given.
        config_file: what `--config` names.

    Raises:
        ConfigError: a file that cannot be read, an unknown key or variable, or a value that is not accepted.
    """
    file, named_by = _file(config_file)
    layers = [environment_layer(os.environ, besides=[CONFIG_VARIABLE]), flags_layer(flags)]
    if file is not None:
        layers.insert(0, file_layer(file, named_by))
    settings, origins = _merged(layers)
    return Loaded(settings, origins, file)


def _file(given: Path | None) -> tuple[Path | None, str]:
    """The file to read, and what names it; empty for the usual one, which may be missing."""
    if given is not None:
        return Path(given).expanduser().absolute(), "flag --config"
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named).expanduser().absolute(), f"environment {CONFIG_VARIABLE}"
    usual = config_folder() / FILE_NAME
    return (usual, "") if may_be_there(usual) else (None, "")


def _merged(layers: list[Layer]) -> tuple[Settings, Mapping[str, str]]:
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.model_fields, DEFAULT)
    for layer in layers:
        # each by itself: a wrong value is wrong even where another one overrides it
        try:
            Settings(**layer.values)
        except ValidationError as error:
            raise _refused(layer, error) from None  # the text of pydantic's holds nothing that this one has not
        values |= layer.values
        origins |= {name: layer.origin(name) for name in layer.values}
    settings = Settings(**values)
    settings._origins = dict(origins)
    return settings, origins


def _refused(layer: Layer, error: ValidationError) -> ConfigError:
    return layer.refused(str(error.errors(include_input=False, include_url=False)[0]["loc"][0]))
