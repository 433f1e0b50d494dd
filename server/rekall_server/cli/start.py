"""Where the process of a command begins and ends."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line of this process, and exit with its status."""
    from rekall_server.cli.program import PROGRAM, app

    app(sys.argv[1:], prog_name=PROGRAM)
