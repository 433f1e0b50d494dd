"""The conformance kit: an author's back end is right when a class of three lines passes (docs/backends.md).

It needs pytest, which Rekall itself does not install.
"""

from rekall.errors import MissingDependencyError

try:
    from rekall.testing.cache import CacheConformance
    from rekall.testing.contract import ContractError, contract
    from rekall.testing.database import DatabaseConformance
except ModuleNotFoundError as error:
    if error.name != "pytest":
        raise
    raise MissingDependencyError("rekall.testing runs in pytest, which is not installed: pip install pytest") from error

__all__ = ["CacheConformance", "ContractError", "DatabaseConformance", "contract"]
