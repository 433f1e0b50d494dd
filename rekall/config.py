"""The configuration: one object that holds every value and where it came from.

Values come from the defaults, then config.toml, then the environment. Nothing is read before it is asked for, and
neither a TOML library nor platformdirs is imported unless a file or the platform calls for it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rekall.config_file import CONFIG_NAME, read_toml, update_toml
from rekall.config_keys import KEYS, ConfigKey, read_environment, read_keys
from rekall.deprecation import moved_names
from rekall.errors import ConfigError
from rekall.paths import PathResolver, PathSource, ResolvedPaths, legacy_paths
from rekall.promotion_config import PromotionConfig

__all__ = [
    "AutoscanConfig",
    "Config",
    "ConfigError",
    "PathResolver",
    "ResolvedPaths",
    "Setting",
    "apply_toml_config",
    "describe",
    "get_autoscan_config",
    "get_config",
    "get_promotion_config",
    "load_config",
    "load_config_from_toml",
    "reset_config",
    "save_config_to_toml",
    "set_autoscan_config",
    "set_config",
    "set_promotion_config",
]

moved_names(__name__)


def _default_paths() -> ResolvedPaths:
    return PathResolver.resolve()


@dataclass
class Config:
    """Every setting, with the names and defaults of Rekall 0.3 and the newer ones by keyword.

    Args:
        debug_file: where the debug log goes; stderr if None.
        debug_format: `text`, `json`, or `auto`: text on a terminal, else JSON.
        database_backend: name of the back end that holds the knowledge.
        cache_backend: name of the back end that holds cached values.
        database_options: options of the database back end, which checks them itself.
        cache_options: options of the cache back end, which checks them itself.
        cache_on_error: what a search does without a cache that fails: `bypass` it, or `raise` its error.
        origins: for every dotted key, where its value came from, as text for a person.
        warnings: one line for each file in which something is ignored or doubtful, and for each deprecated key.
    """

    paths: ResolvedPaths = field(default_factory=lambda: _default_paths())
    editor: str | None = None
    default_project: str | None = None
    embeddings_provider: str | None = None
    embeddings_model: str | None = None
    smart_embeddings_enabled: bool = False
    smart_embeddings_model: str = "all-MiniLM-L6-v2"
    smart_embeddings_dimensions: int = 384
    smart_embeddings_similarity_threshold: float = 0.75
    smart_embeddings_context_mode: str = "required"
    max_context_size: int = 10240
    ui_detail_panel_ratio: float = 1.0
    ui_column_widths: dict[str, Any] = field(default_factory=dict)
    promotion_threshold: float = 70.0
    promotion_near_threshold_pct: float = 0.8
    promotion_citation_weight: float = 0.4
    promotion_project_weight: float = 0.3
    promotion_recency_weight: float = 0.3
    promotion_recency_half_life_days: float = 30.0
    promotion_max_citations: int = 10
    promotion_max_projects: int = 5
    autoscan_enabled: bool = True
    autoscan_interval_hours: float = 5.0
    autoscan_connectors: str = "cursor"
    perf_cache_max_size: int = 1000
    perf_cache_ttl_seconds: int = 600
    perf_model_idle_timeout_minutes: int = 10
    perf_vector_backend: str = "auto"
    debug_backends: bool = False
    debug_file: str | None = field(default=None, kw_only=True)
    debug_format: str = field(default="auto", kw_only=True)
    database_backend: str = field(default="sqlite", kw_only=True)
    cache_backend: str = field(default="local", kw_only=True)
    # Options may hold a password: they stay out of the repr, which ends up in logs.
    database_options: dict[str, Any] = field(default_factory=dict, kw_only=True, repr=False)
    cache_options: dict[str, Any] = field(default_factory=dict, kw_only=True, repr=False)
    cache_on_error: str = field(default="bypass", kw_only=True)
    origins: dict[str, str] = field(default_factory=dict, kw_only=True, compare=False, repr=False)
    warnings: list[str] = field(default_factory=list, kw_only=True, compare=False, repr=False)

    def __post_init__(self) -> None:
        known = {key.dotted: "default" for key in KEYS}
        known |= {f"paths.{name}": self.paths.origin(name) for name in ("config", "data", "cache", "database")}
        if self.paths.source is PathSource.CONFIG:
            known["data_dir"] = self.paths.origin("data").removesuffix(" (data_dir)")
        self.origins = {**known, **self.origins}

    @property
    def debug(self) -> bool:
        """Whether every back-end call is logged; the same state as `debug_backends`."""
        return self.debug_backends

    @debug.setter
    def debug(self, value: bool) -> None:
        self.debug_backends = value

    @property
    def config_dir(self) -> Path:
        """The directory of config.toml."""
        return self.paths.config_dir

    @property
    def db_path(self) -> Path:
        """The database file."""
        return self.paths.db_path

    @property
    def rekall_dir(self) -> Path:
        """The directory of the data."""
        return self.paths.data_dir


@dataclass(frozen=True)
class Setting:
    """One line of `rekall config --show`: a dotted key, its value, and where the value came from."""

    key: str
    value: Any
    origin: str


@dataclass
class AutoscanConfig:
    """When, and with which connectors, the histories of assistants are scanned."""

    enabled: bool = True
    interval_hours: float = 5.0
    connectors: list[str] = field(default_factory=lambda: ["cursor"])


_config: Config | None = None


def load_config(*, use_global: bool = False, use_legacy: bool = False, debug: bool = False) -> Config:
    """Read the configuration afresh; the one that `get_config` returns is left alone.

    Args:
        use_global: pass over the `.rekall` of a project (`--global`).
        use_legacy: use the directory `~/.rekall`, whatever the environment says (`--legacy`).
        debug: log every back-end call, whatever the file and the environment say (`--debug`).

    Returns:
        The configuration, with the config.toml of the chosen directory applied, and the environment above it.

    Raises:
        ConfigError: a file, key or variable that cannot be used.
    """
    config = _load(legacy_paths() if use_legacy else PathResolver.resolve(force_global=use_global))
    if debug:
        config.debug, config.origins["debug"] = True, "flag --debug"
    return config


def _load(paths: ResolvedPaths) -> Config:
    config = apply_toml_config(Config(paths=paths))
    for key, value in read_environment(os.environ):
        if key.section == "backends" and getattr(config, key.attribute) != value:
            _set_options_aside(config, key)
        setattr(config, key.attribute, value)
        config.origins[key.dotted] = f"environment {key.environment}"
    return config


def _set_options_aside(config: Config, chosen: ConfigKey) -> None:
    """Drop the options of the back end that the file names: the environment's choice of another has its own."""
    options = f"{chosen.dotted}_options"
    if config.origins[chosen.dotted] != "default" and config.origins[options] != "default":
        setattr(config, f"{chosen.name}_options", {})
        config.origins[options] += f", set aside: environment {chosen.environment} selects another back end"


def get_config(
    cli_db_path: Path | None = None, cli_config_path: Path | None = None, force_global: bool = False
) -> Config:
    """The configuration of this process, loaded by the first call; later arguments have no effect.

    Args:
        cli_db_path: a database file that beats every other rule.
        cli_config_path: a config.toml, or its directory, that beats every other rule.
        force_global: pass over the `.rekall` of a project.

    Raises:
        ConfigError: a file, key or variable that cannot be used; the next call tries again.
    """
    global _config
    if _config is None:
        _config = _load(PathResolver.resolve(cli_db_path, cli_config_path, force_global))
    return _config


def set_config(config: Config) -> None:
    """Replace the configuration of this process."""
    global _config
    _config = config


def reset_config() -> None:
    """Forget the configuration of this process: the next `get_config` loads it again."""
    global _config
    _config = None


def load_config_from_toml(config_dir: Path) -> dict[str, Any]:
    """The data of the config.toml in a directory; empty when there is none.

    Raises:
        ConfigError: the file cannot be read or is malformed.
    """
    return read_toml(Path(config_dir) / CONFIG_NAME)


def apply_toml_config(config: Config) -> Config:
    """Put the values of the config.toml in the configuration's own directory into it.

    Args:
        config: changed in place; its `warnings` gain one line at most, and one for each deprecated key.

    Returns:
        The same object.

    Raises:
        ConfigError: the file cannot be read, or holds a value that cannot be used; the object is then unchanged.
    """
    file = config.paths.config_dir / CONFIG_NAME
    values, warnings = read_keys(load_config_from_toml(config.paths.config_dir), file)
    for key, value in values:
        setattr(config, key.attribute, value)
        config.origins[key.dotted] = f"file {file}"
    config.warnings += [warning for warning in warnings if warning not in config.warnings]
    return config


def save_config_to_toml(config_dir: Path, updates: dict[str, Any]) -> bool:
    """Put values into the config.toml of a directory, atomically; unknown keys, comments and layout are kept.

    Args:
        config_dir: created when missing.
        updates: tables are merged one level deep, other values replaced; None removes a key or a table.

    Returns:
        False when it failed; the reason is logged. A malformed file stays as it is (0.3 replaced it by the updates).
    """
    try:
        update_toml(Path(config_dir) / CONFIG_NAME, updates)
    except ConfigError as exc:
        import logging

        logging.getLogger(__name__).warning("configuration not saved: %s", exc)
        return False
    return True


def get_promotion_config() -> PromotionConfig:
    """The promotion settings of `get_config()`."""
    config = get_config()
    return PromotionConfig(
        citation_weight=config.promotion_citation_weight,
        project_weight=config.promotion_project_weight,
        recency_weight=config.promotion_recency_weight,
        promotion_threshold=config.promotion_threshold,
        near_threshold_pct=config.promotion_near_threshold_pct,
        recency_half_life_days=config.promotion_recency_half_life_days,
        max_citations=config.promotion_max_citations,
        max_projects=config.promotion_max_projects,
    )


def set_promotion_config(
    threshold: float | None = None,
    citation_weight: float | None = None,
    project_weight: float | None = None,
    recency_weight: float | None = None,
    recency_half_life_days: float | None = None,
    max_citations: int | None = None,
    max_projects: int | None = None,
) -> bool:
    """Change the promotion settings, here and in config.toml; what is None stays.

    Returns:
        Whether they were saved; the values of this process change in any case.
    """
    return _change(
        "promotion",
        {
            "threshold": threshold,
            "citation_weight": citation_weight,
            "project_weight": project_weight,
            "recency_weight": recency_weight,
            "recency_half_life_days": recency_half_life_days,
            "max_citations": max_citations,
            "max_projects": max_projects,
        },
    )


def get_autoscan_config() -> AutoscanConfig:
    """The autoscan settings of `get_config()`."""
    config = get_config()
    names = (name.strip() for name in config.autoscan_connectors.split(","))
    return AutoscanConfig(
        enabled=config.autoscan_enabled,
        interval_hours=config.autoscan_interval_hours,
        connectors=[name for name in names if name],
    )


def set_autoscan_config(
    enabled: bool | None = None, interval_hours: float | None = None, connectors: list[str] | None = None
) -> bool:
    """Change the autoscan settings, here and in config.toml; what is None stays.

    Returns:
        Whether they were saved; the values of this process change in any case.
    """
    joined = None if connectors is None else ",".join(connectors)
    return _change("autoscan", {"enabled": enabled, "interval_hours": interval_hours, "connectors": joined})


def _change(section: str, values: Mapping[str, Any]) -> bool:
    given = {name: value for name, value in values.items() if value is not None}
    if not given:
        return True
    config = get_config()
    saved = save_config_to_toml(config.paths.config_dir, {section: given})
    origin = f"file {config.paths.config_dir / CONFIG_NAME}" if saved else "set in this process"
    for key in KEYS:
        if key.section == section and key.name in given:
            setattr(config, key.attribute, given[key.name])
            config.origins[key.dotted] = origin
    return saved


def describe(config: Config) -> list[Setting]:
    """Every setting with its value and origin, in a stable order: the keys of config.toml, then the paths.

    Passwords in the options of back ends are replaced by `***`: the output is made to be shown to others.

    Args:
        config: the configuration to show.

    Returns:
        The settings; paths are text.
    """
    from rekall.hiding import without_secrets

    settings = []
    for key in KEYS:
        if key.attribute:
            value = getattr(config, key.attribute)
        else:  # data_dir: only the path resolver knows it
            value = str(config.paths.data_dir) if config.paths.source is PathSource.CONFIG else None
        shown = without_secrets(value) if key.section == "backends" else value
        settings.append(Setting(key.dotted, shown, config.origins.get(key.dotted, "default")))
    paths = config.paths
    for name, path in (
        ("config", paths.config_dir),
        ("data", paths.data_dir),
        ("cache", paths.cache_dir),
        ("database", paths.db_path),
    ):
        settings.append(Setting(f"paths.{name}", str(path), paths.origin(name)))
    return settings
