"""The command line: `rekall.cli.main` runs it, `rekall.cli.app` is its Typer object."""

from typing import TYPE_CHECKING, Any

from rekall.cli.start import main

if TYPE_CHECKING:
    from rekall.cli.program import app

__all__ = ["app", "main"]


def __getattr__(name: str) -> Any:
    # Typer is imported by whoever asks for it, and by `main` once the garbage collector rests
    if name == "app":
        from rekall.cli.program import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
