"""Tokens: made once, kept as digests, ended at once, and never read from a file that others may use."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import stat
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest

from rekall.errors import ConfigError
from rekall_server import token_verifier
from rekall_server.token_verifier import DigestVerifier
from rekall_server.tokens import Token, TokenFile


def refused(file: TokenFile) -> str:
    """Why its tokens cannot be read."""
    with pytest.raises(ConfigError) as caught:
        file.tokens()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def let_in(verifier: DigestVerifier, token: str) -> tuple[str, list[str]] | None:
    """Whom a token lets in, and what for; None for nobody."""
    found = anyio.run(verifier.verify_token, token)
    return None if found is None else (str(found.client_id), list(found.scopes))


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    """A file that is not there yet, in a folder that is not there yet."""
    return TokenFile(tmp_path / "folder" / "tokens.toml")


def test_a_token_is_kept_as_its_digest(file: TokenFile) -> None:
    """The file holds nothing that lets anybody in, and is its owner's alone."""
    token = file.new("alice", read_only=True)
    assert re.fullmatch(r"rks_[A-Za-z0-9_-]{43}", token)
    text = file.path.read_text()
    assert token not in text
    assert token.removeprefix("rks_") not in text
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    (kept,) = file.tokens()
    assert (kept.name, kept.read_only, kept.digest) == ("alice", True, hashlib.sha256(token.encode()).hexdigest())
    assert kept.created.endswith("+00:00")
    assert list(file.path.parent.iterdir()) == [file.path]


def test_tokens_come_and_go(file: TokenFile) -> None:
    """In the order of their making; the others stay as they are."""
    made = {name: file.new(name) for name in ("alice", "bob", "carol.d@example-1")}
    assert len(set(made.values())) == 3
    before = file.tokens()
    file.revoke("bob")
    assert file.tokens() == [before[0], before[2]]
    file.new("bob")
    assert [token.name for token in file.tokens()] == ["alice", "carol.d@example-1", "bob"]


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "a\n", 'a"', "ä", ".", "a" * 65, "../x", "a\x00"])
def test_names_are_checked(file: TokenFile, name: str) -> None:
    """A name stands in logs, in the file and in messages."""
    with pytest.raises(ConfigError, match="cannot name a token"):
        file.new(name)
    assert not file.exists()


def test_a_name_is_had_once(file: TokenFile) -> None:
    """Nor in another case: who reads a log would take one for the other."""
    file.new("alice")
    with pytest.raises(ConfigError, match=r"a token named Alice is in .*tokens.toml already: give another name, or"):
        file.new("Alice")
    assert len(file.tokens()) == 1


def test_revoking_nobody(file: TokenFile) -> None:
    """It says who is there."""
    with pytest.raises(ConfigError, match=r"no token in .*tokens.toml is named 'bob'; there: none"):
        file.revoke("bob")
    file.new("alice")
    with pytest.raises(ConfigError, match=r"is named 'bob'; there: alice"):
        file.revoke("bob")


MAKE = "import sys; from pathlib import Path; from rekall_server.tokens import TokenFile; "


def test_made_at_the_same_time(file: TokenFile) -> None:
    """Processes and threads that make tokens together lose none."""
    code = MAKE + "[TokenFile(Path(sys.argv[1])).new(f'{sys.argv[2]}-{n}') for n in range(20)]"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(file.path), f"process{number}"]) for number in range(3)
    ]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: file.new(f"thread-{number}"), range(20)))
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert len(file.tokens()) == 80


def test_a_missing_file_has_no_tokens(file: TokenFile) -> None:
    """The only way to have none without a word."""
    assert file.tokens() == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o660])
def test_a_file_that_others_may_use_is_refused(file: TokenFile, mode: int) -> None:
    """To read, to write and to change; the text says what to run."""
    file.new("alice")
    file.path.chmod(mode)
    assert refused(file) == (
        f"the token file {file.path} has the mode {mode:04o}, others may use it: 'chmod 600 {file.path}'"
    )
    for change in (lambda: file.new("bob"), lambda: file.revoke("alice")):
        with pytest.raises(ConfigError, match="others may use it"):
            change()
    file.path.chmod(0o400)
    assert [token.name for token in file.tokens()] == ["alice"]


DIGEST = "0" * 64
ENTRY = f'[[token]]\nname = "alice"\nsha256 = "{DIGEST}"\nread_only = false\ncreated = "2026-01-01"\n'
MALFORMED: Mapping[str, str | bytes] = {
    "no TOML": "[[token",
    "no UTF-8": b"\xff\xfe",
    "another table": "[tokens]\nalice = 1\n",
    "a key beside": f"x = 1\n{ENTRY}",
    "no list": '[token]\nname = "alice"\n',
    "a key is missing": ENTRY.replace("read_only = false\n", ""),
    "a key too many": ENTRY + "admin = true\n",
    "a digest that is none": ENTRY.replace(DIGEST, "abc"),
    "a number for a boolean": ENTRY.replace("false", "0"),
    "a name that is none": ENTRY.replace("alice", "a b"),
    "a name twice": ENTRY + ENTRY.replace("alice", "Alice"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_is_an_error(file: TokenFile, case: str) -> None:
    """It is never taken for one without tokens, and nothing is written over it."""
    text = MALFORMED[case]
    file.path.parent.mkdir()
    file.path.touch(0o600)
    file.path.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = file.path.read_bytes()
    assert refused(file).startswith(f"the token file {file.path} is malformed: ")
    with pytest.raises(ConfigError, match="is malformed"):
        file.new("bob")
    assert file.path.read_bytes() == before


def test_a_file_that_is_none(file: TokenFile) -> None:
    """A folder in its place, and one in the place of its folder."""
    file.path.mkdir(parents=True)
    assert refused(file).startswith(f"cannot read the token file {file.path}: ")
    beside = file.path.parent / "text"
    beside.write_text("")
    with pytest.raises(ConfigError, match="cannot write the token file"):
        TokenFile(beside / "tokens.toml").new("alice")


def test_a_linked_file_stays_one(file: TokenFile, tmp_path: Path) -> None:
    """The file is replaced, not the link to it."""
    link = tmp_path / "link.toml"
    link.symlink_to(file.path)
    TokenFile(link).new("alice")
    assert link.is_symlink()
    assert [token.name for token in file.tokens()] == ["alice"]


# who is let in


def test_who_is_let_in(file: TokenFile) -> None:
    """Whoever has a token, as what it was made for; nobody else."""
    reader, writer = file.new("reader", read_only=True), file.new("writer")
    verifier = DigestVerifier(file)
    assert let_in(verifier, reader) == ("reader", ["read"])
    assert let_in(verifier, writer) == ("writer", ["read", "write"])
    for wrong in ("", "rks_", writer[:-1], writer + "x", writer.upper(), f" {writer}", "\ud800", "x" * 100_000):
        assert let_in(verifier, wrong) is None
    assert let_in(verifier, file.tokens()[0].digest) is None


def test_every_token_is_compared(file: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """In constant time each, and all of them, whichever it is: how long it takes tells nothing."""
    tokens = [file.new(f"client{number}") for number in range(5)]
    compared: list[str] = []

    def compare_digest(one: str, other: str) -> bool:
        compared.append(one)
        return hmac.compare_digest(one, other)

    counted = type("Counted", (), {"compare_digest": staticmethod(compare_digest)})
    monkeypatch.setattr(token_verifier, "hmac", counted)
    verifier = DigestVerifier(file)
    for token in (tokens[0], tokens[4], "rks_wrong"):
        compared.clear()
        let_in(verifier, token)
        assert compared == [one.digest for one in file.tokens()]


def test_changes_count_at_once(file: TokenFile) -> None:
    """A revoked token lets nobody in any more, a new one does, without a restart."""
    alice = file.new("alice")
    verifier = DigestVerifier(file)
    assert let_in(verifier, alice) is not None
    bob = file.new("bob")
    assert let_in(verifier, bob) == ("bob", ["read", "write"])
    file.revoke("alice")
    assert let_in(verifier, alice) is None
    assert let_in(verifier, bob) is not None
    file.revoke("bob")
    assert let_in(verifier, bob) is None


class Watched(TokenFile):
    """Counts how often it is read."""

    reads = 0

    def tokens(self) -> list[Token]:
        self.reads += 1
        return super().tokens()


def test_an_unchanged_file_is_not_read_again(file: TokenFile) -> None:
    """Each call looks at the file's marks alone."""
    alice = file.new("alice")
    watched = Watched(file.path)
    verifier = DigestVerifier(watched)
    for _ in range(5):
        assert let_in(verifier, alice) is not None
    assert watched.reads == 1
    file.new("bob")
    assert let_in(verifier, alice) is not None
    assert watched.reads == 2


@pytest.mark.parametrize("harm", ["removed", "readable by others", "malformed", "a folder"])
def test_while_the_file_cannot_be_used_nobody_gets_in(
    file: TokenFile, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged once, without a path or a token; once it is mended they get in again."""
    alice = file.new("alice")
    verifier = DigestVerifier(file)
    assert let_in(verifier, alice) is not None
    kept = file.path.read_bytes()
    if harm == "readable by others":
        file.path.chmod(0o644)
    else:
        file.path.unlink()
    if harm == "malformed":
        file.path.touch(0o600)
        file.path.write_text("[[token")
    if harm == "a folder":
        file.path.mkdir()
    with caplog.at_level(logging.WARNING):
        assert [let_in(verifier, alice) for _ in range(3)] == [None] * 3
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == ("nobody gets in: the token file cannot be used; 'rekall-server check' says why")
    if file.path.is_dir():
        file.path.rmdir()
    file.path.unlink(missing_ok=True)
    file.path.touch(0o600)
    file.path.write_bytes(kept)
    assert let_in(verifier, alice) is not None
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


# the command


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """One run of `rekall-server token`."""
    return subprocess.run(
        [sys.executable, "-m", "rekall_server", "token", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_token_is_shown_once() -> None:
    """On stdout alone, so that a pipe gets it; what to do with it stands on stderr."""
    done = command("new", "alice", "--read-only")
    token = done.stdout.strip()
    assert (done.returncode, done.stdout) == (0, f"{token}\n")
    assert "Authorization: Bearer" in done.stderr
    assert "rekall-server token revoke alice" in done.stderr
    assert "every caller needs a token" in done.stderr
    assert token not in done.stderr
    file = TokenFile(Path.home() / "rekall/rekall-server-tokens.toml")
    assert let_in(DigestVerifier(file), token) == ("alice", ["read"])
    assert "every caller" not in command("new", "bob").stderr
    listed = command("list")
    assert [line.split("\t")[:2] for line in listed.stdout.splitlines()] == [
        ["alice", "read"],
        ["bob", "read and write"],
    ]
    assert token not in listed.stdout
    for known in file.tokens():
        assert known.digest not in listed.stdout
    ended = command("revoke", "alice")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "Ended: alice\n", "")
    assert "No token is left: nobody gets in." in command("revoke", "bob").stderr


def test_the_answer_for_programs(tmp_path: Path) -> None:
    """With another file than the usual one."""
    file = tmp_path / "tokens.toml"
    made = json.loads(command("new", "alice", "--json", "--token-file", str(file)).stdout)
    assert let_in(DigestVerifier(TokenFile(file)), made["token"]) == ("alice", ["read", "write"])
    listed = json.loads(command("list", "--json", "--token-file", str(file)).stdout)
    assert [token["name"] for token in listed["tokens"]] == ["alice"]


def test_what_the_command_refuses() -> None:
    """One line, and exit code 1."""
    command("new", "alice")
    for arguments in (("new", "alice"), ("new", "a b"), ("revoke", "bob")):
        done = command(*arguments)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), arguments
        assert done.stderr.startswith("rekall-server: error: ")
