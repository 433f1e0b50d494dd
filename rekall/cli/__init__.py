"""The command line: `rekall.cli.main` runs it, `rekall.cli.app` is its Typer object."""

from typing import TYPE_CHECKING, Any

from rekall.cli.start import main
from rekall.deprecation import moved_names

if TYPE_CHECKING:
    from rekall.cli.program import app

__all__ = ["app", "main"]

moved_names(__name__)


def __getattr__(name: str) -> Any:
    # Typer is imported by whoever asks for it, and by `main` once the garbage collector rests
    if name == "app":
        from rekall.cli.program import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
