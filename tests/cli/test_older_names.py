"""What programs of Rekall 0.3 imported from `rekall.cli` still works."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import rekall
from rekall import cli
from rekall.deprecation import RekallDeprecationWarning


@pytest.mark.parametrize(
    ("name", "command"), [("sources_app", "stats"), ("inbox_app", "list"), ("staging_app", "list")]
)
def test_a_group_is_an_application_of_its_own(name: str, command: str) -> None:
    """Its commands stand in its help."""
    with pytest.warns(RekallDeprecationWarning):
        app = getattr(cli, name)
    shown = CliRunner().invoke(app, ["--help"])
    assert shown.exit_code == 0
    assert f" {command} " in shown.stdout


def test_the_banner(capsys: pytest.CaptureFixture[str]) -> None:
    """Name and version, in one line."""
    with pytest.warns(RekallDeprecationWarning):
        show = cli.show_banner
    show()
    assert capsys.readouterr().out == f"{rekall.get_version_string()}\n"


def test_the_console() -> None:
    """One that reads no text as markup."""
    with pytest.warns(RekallDeprecationWarning):
        console = cli.console
    with console.capture() as captured:
        console.print("[bold]x[/bold]")
    assert captured.get() == "[bold]x[/bold]\n"
