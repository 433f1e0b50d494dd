"""Every value in effect with where it came from, as `rekall-server config` shows it; secrets are masked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr

from rekall.config import Config
from rekall_server import home
from rekall_server.secrets_in_text import masked_option, masked_url
from rekall_server.settings_model import DEFAULT, Settings

_FROM_HOME = {
    "database": "paths.database",
    "database_backend": "backends.database",
    "cache_backend": "backends.cache",
    "cache_on_error": "backends.cache_on_error",
    "debug": "debug",
}
"""The settings that Home's configuration has too, by its keys."""


class Value(NamedTuple):
    """One line of what is in effect.

    Args:
        name: of the setting, or of an option of a back end that Home's configuration gives: `database_options.NAME`.
        value: as JSON has it; paths are text.
        origin: what said so, as text for a person.
    """

    name: str
    value: Any
    origin: str


def effective(settings: Settings, config: Config) -> list[Value]:
    """Every setting, then the options that Home's configuration gives the back ends.

    Args:
        settings: of the server.
        config: what `home.apply` made of them.
    """
    return [*_settings(settings, config), *_options(config)]


def _settings(settings: Settings, config: Config) -> Iterator[Value]:
    inside = {
        "database": config.db_path,
        "database_backend": config.database_backend,
        "cache_backend": config.cache_backend,
        "cache_on_error": config.cache_on_error,
        "debug": config.debug,
    }
    unused = home.unused(settings, config)
    for name in type(settings).model_fields:
        value, origin = getattr(settings, name), settings.origins[name]
        if name in inside:
            value, origin = inside[name], config.origins.get(_FROM_HOME[name], origin)
        elif name in unused:
            origin = f"{origin}; not used, it is for {unused[name]}"
        else:
            kind, option = home.option_of(name)
            if option:
                value = getattr(config, f"{kind}_options").get(option)
                origin = _origin(config, kind, option, origin)
        yield Value(name, _shown(value), _as_origin(origin, name))


def _options(config: Config) -> Iterator[Value]:
    """Those that no setting stands for."""
    for kind in ("database", "cache"):
        backend = getattr(config, f"{kind}_backend")
        known = home.options_of(kind, backend)
        options: Mapping[str, Any] = getattr(config, f"{kind}_options")
        for option, value in options.items():
            if option not in known:
                key = f"backends.{kind}_options"
                yield Value(f"{kind}_options.{option}", masked_option(value, option), config.origins[key])


def _origin(config: Config, kind: str, option: str, otherwise: str) -> str:
    key = f"backends.{kind}_options"
    if f"{key}.{option}" in config.origins or option not in getattr(config, f"{kind}_options"):
        return otherwise  # the server's own
    return config.origins[key]


def _as_origin(origin: str, name: str) -> str:
    """An origin of Home's configuration that the server wrote into it, in the form of the others."""
    if origin == home.SERVER_DEFAULT:
        return DEFAULT
    if origin.startswith(("file ", "environment ", "flag ")) or ": " not in origin:
        return origin
    return f"file {origin.removesuffix(f': {name}')}"


def _shown(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return masked_url(value.get_secret_value())
    if isinstance(value, str) and "://" in value:
        return masked_url(value)
    return str(value) if isinstance(value, Path) else value
