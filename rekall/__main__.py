"""`python -m rekall`: the same program as `rekall`."""

from rekall.cli import main

if __name__ == "__main__":
    main()
