"""Where the process of a command begins and ends."""

import gc
import os
import sys


def main() -> None:
    """Run the command line of this process, and exit with its status.

    A command is over before garbage matters: collecting while it imports, and once more at its end, took a tenth of
    the time of a search. The MCP server, which stays, switches the collector on again.

    OpenBLAS, which computes for numpy, gets one thread unless the user says otherwise: several, on cores that others
    use too, wait for each other for longer than they compute. It reads the variable when numpy is imported.
    """
    gc.disable()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from rekall.cli.program import PROGRAM, app

    try:
        app(sys.argv[1:], prog_name=PROGRAM)
    finally:
        gc.freeze()
