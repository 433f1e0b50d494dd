"""The command line of the server: `rekall_server.cli.main` runs it."""

from rekall_server.cli.start import main

__all__ = ["main"]
