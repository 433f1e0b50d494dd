"""`python -m rekall_server` is `rekall-server`."""

from rekall_server.cli import main

main()
