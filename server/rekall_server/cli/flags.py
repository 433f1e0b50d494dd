"""The flags of the settings: one for each, the same on every command that reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import SecretStr
from typer.core import TyperOption

from rekall_server.settings_model import Settings, kind_of
from rekall_server.settings_sources import flag_of

_GIVEN = "rekall_server.flags"
"""Where a context keeps what was given, before the command and behind it."""
_CONFIG = "config"
_METAVARS: dict[Any, str] = {int: "N", float: "SECONDS", Path: "PATH", SecretStr: "URL", list: "NAMES", str: "NAME"}


def add_flags(command: Any, names: Iterable[str] | None = None) -> None:
    """Let a command take the flags of settings, and `--config`; they do not become arguments of its function.

    Args:
        command: of Typer.
        names: the settings; all if left out.
    """
    config = TyperOption(
        param_decls=["--config"],
        metavar="PATH",
        help="Settings file; else REKALL_SERVER_CONFIG, or rekall-server.toml beside Rekall's config.toml.",
        expose_value=False,
        callback=_noting(_CONFIG),
    )
    options = [_option(name) for name in Settings.model_fields if names is None or name in names]
    command.params[:0] = [config, *options]


def given(ctx: Any) -> tuple[dict[str, Any], Path | None]:
    """The flags of this command line, and the file that `--config` names.

    Args:
        ctx: of a command that has them.
    """
    noted = dict(ctx.meta.get(_GIVEN, {}))
    config = noted.pop(_CONFIG, None)
    return noted, None if config is None else Path(config)


def _option(name: str) -> TyperOption:
    field = Settings.model_fields[name]
    kind = kind_of(name)
    flag = flag_of(name)
    if kind is bool:
        return TyperOption(
            param_decls=[f"{flag}/--no-{flag.removeprefix('--')}"],
            is_flag=True,
            default=None,
            help=field.description,
            expose_value=False,
            callback=_noting(name),
        )
    choices = get_args(field.annotation) if kind is Literal else ()
    return TyperOption(
        param_decls=[flag],
        metavar="|".join(choices) or ("ADDRESS" if name == "host" else _METAVARS[kind]),
        help=f"{field.description}{_default(field.default)}",
        expose_value=False,
        callback=_noting(name),
        shell_complete=_completing(choices) if choices else None,
    )


def _default(value: Any) -> str:
    return f" [{value:g}]" if isinstance(value, float) else f" [{value}]" if isinstance(value, (int, str)) else ""


def _noting(name: str) -> Callable[[Any, Any, Any], Any]:
    def note(ctx: Any, _parameter: Any, value: Any) -> Any:
        if value is not None:
            ctx.meta.setdefault(_GIVEN, {})[name] = value
        return value

    return note


def _completing(choices: Iterable[str]) -> Callable[[Any, Any, str], list[str]]:
    def complete(_ctx: Any, _parameter: Any, incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return complete
