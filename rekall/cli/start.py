"""Where the process of a command begins and ends."""

import gc
import sys


def main() -> None:
    """Run the command line of this process, and exit with its status.

    A command is over before garbage matters: collecting while it imports, and once more at its end, took a tenth of
    the time of a search. The MCP server, which stays, switches the collector on again.
    """
    gc.disable()
    from rekall.cli.program import PROGRAM, app

    try:
        app(sys.argv[1:], prog_name=PROGRAM)
    finally:
        gc.freeze()
