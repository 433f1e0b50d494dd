"""Home's configuration with the server's values in it: it works on what Home would, unless it is told otherwise.

A server belongs to this user, not to the directory that it is started in: the `.rekall` of a project is passed over, as
`rekall --global` does. `redis_url` alone selects the cache back end redis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from rekall.config import Config, load_config
from rekall.errors import ConfigError
from rekall_server.settings_model import Settings

SERVER_DEFAULT = "default of rekall-server"
"""The origin of what neither Home's configuration nor a setting of the server says."""

_DEFAULT_BACKENDS = {"database": "pooled", "cache": "local"}
_OPTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "database": {
        "pool_size": ("pooled", "pool_size"),
        "query_timeout": ("pooled", "query_timeout"),
        "wait_timeout": ("pooled", "wait_timeout"),
    },
    "cache": {"redis_url": ("redis", "url"), "redis_timeout": ("redis", "timeout")},
}
"""By kind, the settings that are options of a back end: which one, and what it calls them."""
_RANKS = ("file", "environment", "flag")
"""The sources of the server, in rising precedence; Home's configuration is below them."""


class Chosen(NamedTuple):
    """A back end that is to be used.

    Args:
        name: what it is selected by.
        where: what selects it, as the beginning of a message.
        rank: how much that overrides.
    """

    name: str
    where: str
    rank: int


def apply(settings: Settings) -> Config:
    """Home's configuration, read afresh from its file and the environment, with the server's values in it.

    Args:
        settings: of the server.

    Returns:
        A configuration of its own, whose origins name what said each value.

    Raises:
        ConfigError: Home's configuration cannot be used, or a setting has no effect on the back ends selected.
    """
    config = load_config(use_global=True)
    if settings.database is not None:
        origin = settings.where("database")
        paths = replace(config.paths, db_path=settings.database, origins={**config.paths.origins, "database": origin})
        paths.database_named = True
        config.paths, config.origins["paths.database"] = paths, origin
    for kind in _DEFAULT_BACKENDS:
        _select(kind, settings, config)
    if settings.is_set("debug"):
        config.debug, config.origins["debug"] = settings.debug, settings.where("debug")
    _bypass_or_raise(settings, config)
    return config


def unused(settings: Settings, config: Config) -> Mapping[str, str]:
    """The settings that are options of a back end which is not selected, with the one that they are for.

    Args:
        settings: of the server.
        config: what `apply` made of them.
    """
    return {
        name: backend
        for kind, options in _OPTIONS.items()
        for name, (backend, _) in options.items()
        if getattr(config, f"{kind}_backend") != backend
    }


def option_of(name: str) -> tuple[str, str]:
    """The kind of back end that a setting is an option of, and what the back end calls it; empty for others."""
    return next(((kind, options[name][1]) for kind, options in _OPTIONS.items() if name in options), ("", ""))


def options_of(kind: str, backend: str) -> Sequence[str]:
    """The options of a back end that settings stand for."""
    return [option for name, option in _OPTIONS[kind].values() if name == backend]


def _bypass_or_raise(settings: Settings, config: Config) -> None:
    """What a call does whose cache fails: Home's own default is for one person, who has no operator."""
    is_set, key = settings.is_set("cache_on_error"), "backends.cache_on_error"
    if is_set or config.origins.get(key, "default") == "default":
        config.cache_on_error = settings.cache_on_error
        config.origins[key] = settings.where("cache_on_error") if is_set else SERVER_DEFAULT


def _select(kind: str, settings: Settings, config: Config) -> None:
    chosen = _chosen(kind, settings, config)
    key, options_key = f"backends.{kind}", f"backends.{kind}_options"
    options: dict[str, Any] = dict(getattr(config, f"{kind}_options"))
    before = getattr(config, f"{kind}_backend")
    if chosen.name != before and config.origins[key] != "default" and options:
        options = {}
        config.origins[options_key] += f", set aside: {chosen.where} selects another back end"
    if chosen.rank >= 0 or config.origins[key] == "default":
        config.origins[key] = chosen.where
    for name, (backend, option) in _OPTIONS[kind].items():
        if backend == chosen.name:
            value = getattr(settings, name)
            if value is not None and (settings.is_set(name) or option not in options):
                options[option] = value.get_secret_value() if name == "redis_url" else value
                config.origins[f"{options_key}.{option}"] = settings.where(name)
        elif settings.is_set(name) and _rank(settings, name) >= chosen.rank:
            raise ConfigError(
                f"{settings.where(name)} is for the {kind} back end {backend}, but {chosen.where} selects"
                f" {chosen.name}: take back one of the two"
            )
    setattr(config, f"{kind}_backend", chosen.name)
    setattr(config, f"{kind}_options", options)


def _chosen(kind: str, settings: Settings, config: Config) -> Chosen:
    """The back end of a kind: as the server's settings say, else Home's configuration, else the server's default."""
    setting = f"{kind}_backend"
    if settings.is_set(setting):
        return Chosen(getattr(settings, setting), settings.where(setting), _rank(settings, setting))
    if kind == "cache" and settings.is_set("redis_url"):
        return Chosen("redis", settings.where("redis_url"), _rank(settings, "redis_url"))
    origin = config.origins[f"backends.{kind}"]
    if origin != "default":
        where = f"{origin.removeprefix('file ')}: backends.{kind}" if origin.startswith("file ") else origin
        return Chosen(getattr(config, setting), where, -1)
    return Chosen(_DEFAULT_BACKENDS[kind], SERVER_DEFAULT, -1)


def _rank(settings: Settings, name: str) -> int:
    return _RANKS.index(settings.origins[name].partition(" ")[0])
