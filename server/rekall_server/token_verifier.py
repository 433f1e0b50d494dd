"""Who a bearer token lets in, as FastMCP asks at every request.

Apart from `rekall_server.tokens`: FastMCP takes a second to import, and who makes or lists tokens does not wait for it.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Sequence

from fastmcp.server.auth import AccessToken, TokenVerifier

from rekall.errors import ConfigError
from rekall_server.tokens import Token, TokenFile, digest_of

logger = logging.getLogger(__name__)

READ, WRITE = "read", "write"
"""Scopes: every token has the first, and the second unless it is read-only."""


class DigestVerifier(TokenVerifier):
    """Lets in whoever has a token of the file; one that was revoked or added counts from the next request on.

    While the file cannot be used nobody gets in.

    Args:
        file: the tokens.
    """

    def __init__(self, file: TokenFile) -> None:
        super().__init__()
        self._file = file
        self._stamp: tuple[int, ...] | None = None
        self._tokens: Sequence[Token] = ()
        self._is_usable = True

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who has a token.

        Args:
            token: as it was sent.

        Returns:
            Its name as the client's, with its scopes; None when nobody has it.
        """
        digest = digest_of(token)
        found = None
        # all of them, whichever it is: how long it takes tells nothing
        for known in self._current():
            if hmac.compare_digest(known.digest, digest):
                found = known
        if found is None:
            return None
        scopes = [READ] if found.read_only else [READ, WRITE]
        return AccessToken(token=token, client_id=found.name, scopes=scopes)

    def _current(self) -> Sequence[Token]:
        try:
            stamp = self._file.stamp()
            if stamp != self._stamp:
                # the stamp is taken before the file is read: a change in between is seen by the next request
                self._tokens, self._stamp = self._file.tokens(), stamp
        except (OSError, ConfigError):
            self._tokens, self._stamp = (), None
            self._tell(usable=False)
        else:
            self._tell(usable=True)
        return self._tokens

    def _tell(self, *, usable: bool) -> None:
        """Log once that the file cannot be used, and that it can again; no path stands in a log."""
        if usable != self._is_usable:
            self._is_usable = usable
            if usable:
                logger.warning("the token file can be used again")
            else:
                logger.error("nobody gets in: the token file cannot be used; 'rekall-server check' says why")
