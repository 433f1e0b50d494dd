"""What a caller is told of an error: nothing of where and how the server stores; that is for the log."""

from __future__ import annotations

import structlog

from rekall.errors import BackendError, CacheError, OutcomeUnknownError, QueryError, RekallError, TransientError
from rekall_server.exchange import request_id

logger = structlog.get_logger(__name__)

UNAVAILABLE = "the service is unavailable: try again in a moment"
UNKNOWN = "the service is unavailable, and what was asked for may have been done: look before you ask again"
BROKEN = "the service is unavailable: its operator finds the reason in the log"


def told(error: RekallError) -> str:
    """The text for the caller: that of the error where it is about what was asked, else that the service has failed."""
    if isinstance(error, ValueError) and not isinstance(error, BackendError):
        return str(error)
    number = request_id.get()
    logger.error("call.failed", error=type(error).__name__, text=str(error))
    return f"{_unavailable(error)} (request {number})" if number else _unavailable(error)


def outcome_of(cause: BaseException | None) -> str:
    """What a failed call counts as.

    Args:
        cause: what the error that the caller receives was made of; None for one of the server's own rules.

    Returns:
        `refused` for what was wrongly asked, `unavailable` where a back end failed, else `error`.
    """
    if isinstance(cause, BackendError):
        return "unavailable"
    return "refused" if cause is None or isinstance(cause, ValueError) else "error"


def _unavailable(error: RekallError) -> str:
    if isinstance(error, OutcomeUnknownError) and not isinstance(error, CacheError):
        return UNKNOWN
    # a table is missing for the moment in which a restore has put an older schema in the base
    return UNAVAILABLE if isinstance(error, (TransientError, CacheError, QueryError)) else BROKEN
