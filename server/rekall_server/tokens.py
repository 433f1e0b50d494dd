"""The tokens of clients: made here, shown once, kept as digests in a file that its owner alone may read."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from rekall.errors import ConfigError
from rekall_server.settings_model import may_be_there

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PREFIX = "rks_"
"""What a token begins with, so that one which leaks is recognised."""
_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HEADER = "# Tokens of rekall-server, as SHA-256 digests: made by 'rekall-server token new', ended by 'token revoke'.\n"


class Token(NamedTuple):
    """What is known of a token.

    Args:
        name: of whoever has it.
        digest: SHA-256 of the token, in hexadecimal digits.
        read_only: it searches and shows, and changes nothing.
        created: ISO 8601, in UTC.
    """

    name: str
    digest: str
    read_only: bool
    created: str


class TokenFile:
    """A file of tokens; a missing one has none.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    def tokens(self) -> list[Token]:
        """The tokens in the order of their making.

        Raises:
            ConfigError: the file cannot be read, is malformed, or may be read or written by others.
        """
        try:
            with self.path.open("rb") as file:
                self._refuse_others(os.fstat(file.fileno()))
                text = file.read().decode("utf-8")
        except FileNotFoundError:
            return []
        except UnicodeDecodeError as error:
            raise self._malformed("it is not UTF-8") from error
        except OSError as error:
            raise ConfigError(
                f"cannot read the token file {self.path}: {error.strerror or error};"
                " make it a file that this user may read"
            ) from error
        try:
            data = tomllib.loads(text)
        except ValueError as error:
            raise self._malformed(str(error)) from error
        return self._checked(data)

    def exists(self) -> bool:
        """Whether the file is there, readable or not; where that cannot be seen, it is taken to be."""
        return may_be_there(self.path)

    def new(self, name: str, read_only: bool = False) -> str:
        """Make a token and keep its digest; the token itself is kept nowhere.

        Args:
            name: of whoever gets it.
            read_only: it may search and show, and change nothing.

        Raises:
            ConfigError: the name is taken or no name, or the file cannot be used.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"{name!r} cannot name a token: give up to 64 letters, digits and . _ @ -,"
                " with a letter or digit at both ends"
            )
        token = PREFIX + secrets.token_urlsafe(_BYTES)
        created = datetime.now(timezone.utc).isoformat(timespec="seconds")
        with self._locked():
            known = self.tokens()
            if any(one.name.lower() == name.lower() for one in known):
                raise ConfigError(
                    f"a token named {name} is in {self.path} already: give another name, or"
                    f" 'rekall-server token revoke {name}' first"
                )
            self._write([*known, Token(name, digest_of(token), read_only, created)])
        return token

    def revoke(self, name: str) -> None:
        """End a token: who has it gets in no more.

        Args:
            name: of whoever has it.

        Raises:
            ConfigError: there is none of that name, or the file cannot be used.
        """
        with self._locked():
            known = self.tokens()
            kept = [one for one in known if one.name != name]
            if len(kept) == len(known):
                names = ", ".join(one.name for one in known) or "none"
                raise ConfigError(f"no token in {self.path} is named {name!r}; there: {names}")
            self._write(kept)

    def stamp(self) -> tuple[int, ...]:
        """What is another once the file or its mode was changed, or another file put in its place; cheap.

        Raises:
            OSError: it is not there, or cannot be looked at.
        """
        found = self.path.stat()
        return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size

    def _refuse_others(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"the token file {self.path} is no regular file: name another one")
        mode = stat.S_IMODE(found.st_mode)
        if os.name != "nt" and mode & 0o077:
            raise ConfigError(
                f"the token file {self.path} has the mode {mode:04o}, others may use it: 'chmod 600 {self.path}'"
            )

    def _checked(self, data: dict[str, Any]) -> list[Token]:
        entries = data.pop("token", [])
        if data or not isinstance(entries, list):
            raise self._malformed("it holds something else than [[token]] tables")
        tokens = []
        for number, entry in enumerate(entries, start=1):
            expected = {"name": str, "sha256": str, "read_only": bool, "created": str}
            if (
                not isinstance(entry, dict)
                or {key: type(value) for key, value in entry.items()} != expected
                or not _NAME.fullmatch(entry["name"])
                or not _DIGEST.fullmatch(entry["sha256"])
            ):
                raise self._malformed(f"token {number} is not one that 'rekall-server token new' wrote")
            tokens.append(Token(entry["name"], entry["sha256"], entry["read_only"], entry["created"]))
        if len({token.name.lower() for token in tokens}) < len(tokens):
            raise self._malformed("two tokens have one name")
        return tokens

    def _malformed(self, reason: str) -> ConfigError:
        return ConfigError(
            f"the token file {self.path} is malformed: {reason}; mend it, or remove it and make the tokens anew"
        )

    def _write(self, tokens: Sequence[Token]) -> None:
        target = self.path.resolve()
        text = _HEADER + "".join(
            f'\n[[token]]\nname = "{token.name}"\nsha256 = "{token.digest}"\n'
            f'read_only = {str(token.read_only).lower()}\ncreated = "{token.created}"\n'
            for token in tokens
        )
        try:
            descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # with the mode 0600
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(text.encode())
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(target)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> ConfigError:
        reason = error.strerror or error
        return ConfigError(f"cannot write the token file {self.path}: {reason}; nothing was changed")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time read, change and write: two that did so together would lose a token."""
        folder = self.path.resolve().parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error
        if sys.platform == "win32":
            yield
            return
        import fcntl

        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def digest_of(token: str) -> str:
    """What is kept of a token, and compared."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
