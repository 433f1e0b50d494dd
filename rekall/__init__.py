"""Rekall keeps what a developer has learned in one SQLite file and gives it back."""

__version__ = "1.0.0.dev0"
__version_info__ = (1, 0, 0)
__release_date__ = "unreleased"
__author__ = "Rekall Contributors"


def get_version_string() -> str:
    """The version as `rekall version` prints it."""
    return f"Rekall v{__version__} ({__release_date__})"
