"""Every setting of the server, declared once: name, type, default, limits, what it is for and what it accepts."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PrivateAttr, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from rekall.config import PathResolver

PREFIX = "REKALL_SERVER_"
"""What the variables of the environment begin with."""
FILE_NAME = "rekall-server.toml"
TOKENS_NAME = "rekall-server-tokens.toml"
DEFAULT = "default"
"""The origin of a value that nothing sets."""

_LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
_HOST = re.compile(r"[A-Za-z0-9_*?.-]+(:\d+)?|\[[0-9A-Fa-f:.%]+\](:\d+)?")


def _setting(default: Any, about: str, accepts: str, **limits: Any) -> Any:
    """A field with the words that its flag and its errors need.

    Args:
        default: its value where nothing sets it.
        about: what it is for.
        accepts: what it takes, as an object in a sentence.
        limits: as pydantic takes them.
    """
    return Field(default, description=about, json_schema_extra={"accepts": accepts}, **limits)


def _seconds(default: float, about: str, most: int) -> Any:
    return _setting(default, about, f"seconds above 0, {most} at most", gt=0, le=most, allow_inf_nan=False)


def _lowered(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_listed)]


class Settings(BaseSettings):
    """What the server does; frozen, and picklable for the processes of workers.

    `rekall_server.settings.load` reads one from the file, the environment and the flags. Made by hand, it reads
    nothing of them. None stands for what Home's configuration says, and then for the server's own default.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_ignore_empty=True, hide_input_in_errors=True
    )

    host: str = _setting("127.0.0.1", "Address to listen on.", "an address or a name of this machine", min_length=1)
    port: int = _setting(
        8765, "Port to listen on; 0 takes a free one.", "a whole number from 0 to 65535", ge=0, le=65535
    )
    workers: int = _setting(1, "Processes that serve.", "a whole number from 1 to 64", ge=1, le=64)
    database: Path | None = _setting(None, "Database file; without it, that of this user's Rekall.", "a path")
    database_backend: str | None = _setting(
        None, "Back end of the database, such as pooled or sqlite.", "the name of a back end", min_length=1
    )
    cache_backend: str | None = _setting(
        None, "Back end of the cache, such as local or redis.", "the name of a back end", min_length=1
    )
    pool_size: int | None = _setting(
        None,
        "Connections that read, of the back end pooled; one for each core without it.",
        "a whole number of 1 or more",
        ge=1,
    )
    redis_url: SecretStr | None = _setting(
        None,
        "Where Redis is; selects the cache back end redis.",
        "redis://HOST:PORT/DATABASE, its port from 1 to 65535 and its database a number, rediss:// likewise, or "
        "unix:///PATH",
    )
    cache_on_error: Literal["raise", "bypass"] = _setting(
        "raise", "What a call does whose cache fails: raise, or bypass it.", "raise or bypass"
    )
    query_timeout: float = _seconds(30.0, "Seconds after which a query is interrupted.", 3600)
    wait_timeout: float = _seconds(5.0, "Seconds that a call waits for a connection.", 3600)
    redis_timeout: float = _seconds(1.0, "Seconds that Redis may take to connect or answer.", 3)
    read_timeout: float = _seconds(30.0, "Seconds within which a request must have arrived.", 3600)
    drain_timeout: float = _seconds(10.0, "Seconds that calls in flight get when the server stops.", 3600)
    token_file: Path = Field(
        default_factory=lambda: config_folder() / TOKENS_NAME,
        description="File of the tokens.",
        json_schema_extra={"accepts": "a path"},
    )
    allowed_hosts: Names = _setting(
        [], "Further names that clients may call this server by.", "names such as rekall.example.org, by comma"
    )
    allowed_origins: Names = _setting(
        [], "Web pages that may call this server.", "origins such as https://rekall.example.org, by comma"
    )
    max_body: int = _setting(
        4 * 1024**2, "Bytes of a request at most.", "bytes from 1024 to 4194304", ge=1024, le=4 * 1024**2
    )
    max_query: int = _setting(10_000, "Characters of a query at most.", "a whole number of 1 or more", ge=1, le=10**7)
    max_results: int = _setting(200, "Results of a search at most.", "a whole number from 1 to 10000", ge=1, le=10_000)
    log_level: Annotated[Literal["debug", "info", "warning", "error", "critical"], BeforeValidator(_lowered)] = (
        _setting("info", "Least level that is logged.", f"one of {', '.join(_LOG_LEVELS)}")
    )
    log_format: Annotated[Literal["json", "text", "auto"], BeforeValidator(_lowered)] = _setting(
        "json", "Form of the log; auto is text on a terminal, else JSON.", "one of json, text, auto"
    )
    debug: bool = _setting(False, "Log every call of a back end.", "true or false")

    _origins: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is given alone: `load` knows where each value comes from, and no worker reads anew."""
        return (init_settings,)

    @field_validator("host")
    @classmethod
    def _without_brackets(cls, value: str) -> str:
        text = value.strip()
        text = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        if not text or any(character.isspace() or character in "/@[]" for character in text):
            raise ValueError("no address")
        return text

    @field_validator("database", "token_file")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        """Workers and the messages mean the same file, whatever becomes of the current directory."""
        if value is None:
            return None
        if "\0" in str(value) or str(value) in ("", "."):
            raise ValueError("no path")
        return Path(value).expanduser().absolute()

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_redis(value.get_secret_value()):
            raise ValueError("no address of Redis")
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, value: list[str]) -> list[str]:
        if not all(_HOST.fullmatch(name) and name.strip("*?.") for name in value):
            raise ValueError("no name of a host")
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _web_origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            scheme, separator, host = origin.rstrip("/").partition("://")
            if scheme not in ("http", "https") or not separator or not _HOST.fullmatch(host) or not host.strip("*?."):
                raise ValueError("no origin")
        return value

    @property
    def origins(self) -> Mapping[str, str]:
        """For every setting, where its value came from, as text for a person."""
        return {name: self._origins.get(name, DEFAULT) for name in type(self).model_fields}

    def is_set(self, name: str) -> bool:
        """Whether a file, a variable or a flag sets this one."""
        return self.origins[name] != DEFAULT

    def where(self, name: str) -> str:
        """What sets this one, as the beginning of a message: a file with the key, a variable, or a flag."""
        origin = self.origins[name]
        if origin == DEFAULT:
            return f"{name} (default)"
        return f"{origin.removeprefix('file ')}: {name}" if origin.startswith("file ") else origin


def kind_of(name: str) -> Any:
    """The type of a setting where it is not None: list for a list, Literal for a choice.

    Args:
        name: of the setting.
    """
    kind = Settings.model_fields[name].annotation
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    return get_origin(kind) or kind


def config_folder() -> Path:
    """The directory of this user's config.toml, whatever the current directory is."""
    return PathResolver.resolve(force_global=True).config_dir


def may_be_there(path: Path) -> bool:
    """Whether there is something at a path, or may be: a folder that cannot be entered hides what is in it.

    Args:
        path: a link counts, whether it leads anywhere or not.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _is_redis(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # brackets that do not match, or a port that is none
        return False
    if any(character.isspace() for character in url) or port == 0:
        return False
    if parts.scheme == "unix":
        return parts.path not in ("", "/")
    database = parts.path.strip("/")
    return parts.scheme in ("redis", "rediss") and bool(parts.hostname) and (not database or database.isdecimal())
