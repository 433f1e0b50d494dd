"""A program that puts values of its own into the configuration is blamed for them by what it says they came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rekall.config import Config
from rekall.errors import ConfigError
from rekall.infra import ServiceContainer
from rekall.paths import PathResolver


def refused(tmp_path: Path, origins: dict[str, str], **values: Any) -> str:
    """Why the database cannot be resolved."""
    config = Config(paths=PathResolver.resolve(tmp_path / "base.db", tmp_path / "config.toml"), **values)
    config.origins |= origins
    container = ServiceContainer(config=lambda: config)
    with pytest.raises(ConfigError) as caught:
        container.database()
    return str(caught.value)


def test_what_selects_a_back_end(tmp_path: Path) -> None:
    """A flag is named as it is; the default and the file by the key of the file."""
    key = f"{tmp_path / 'config.toml'}: backends.database"
    for origin, said in {"flag --backend": "flag --backend", f"file {tmp_path / 'config.toml'}": key}.items():
        text = refused(tmp_path, {"backends.database": origin}, database_backend="none")
        assert text.startswith(f"{said} is 'none', which is not a back end")
    assert refused(tmp_path, {}, database_backend="none").startswith(f"{key} is 'none'")


REFUSED = {
    "by the back end": ({"busy_timeout": 11.0}, "busy_timeout is 11.0: give seconds from 0 to 10"),
    "by its type": ({"busy_timeout": "soon"}, "busy_timeout is 'soon', a number is needed"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_gives_an_option(tmp_path: Path, case: str) -> None:
    """The option's own origin, where it has one."""
    options, message = REFUSED[case]
    origins = {"backends.database_options.busy_timeout": "flag --busy"}
    assert refused(tmp_path, origins, database_options=options) == f"flag --busy: {message}"


def test_an_option_beside_one_with_an_origin(tmp_path: Path) -> None:
    """It is the file's: an unknown one too."""
    origins = {"backends.database_options.other": "flag --other"}
    file = f"{tmp_path / 'config.toml'}: backends.database_options"
    assert refused(tmp_path, origins, database_options={"busy_timeout": 11.0}).startswith(f"{file}: busy_timeout")
    text = refused(tmp_path, origins, database_options={"busy_timeut": 1.0})
    assert text.startswith(f"{file}.busy_timeut: unknown option, did you mean busy_timeout?")
