"""The domain of a capture: candidates of a transcript, the excerpt chosen, the files that changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.repositories import repository, write
from support.transcripts import claude_transcript

from rekall.conversation import (
    MAX_FILES,
    MAX_MESSAGE,
    CaptureError,
    changed_files,
    excerpt_of,
    read_candidates,
)
from rekall.errors import RekallError
from rekall.transcript import TranscriptFormat


def thirty(folder: Path) -> Path:
    return claude_transcript(folder / "t.jsonl", *(f"message {number}" for number in range(30)))


@pytest.mark.fault(47)
def test_the_last_twenty_are_offered_and_any_can_be_chosen(tmp_path: Path) -> None:
    """Of 30 messages 10 to 29, by these numbers; 0.3 refused 20 to 29 and took nothing for 0 to 9."""
    path = thirty(tmp_path)
    candidates = read_candidates(str(path))
    assert [message.index for message in candidates.candidates] == list(range(10, 30))
    assert candidates.total_exchanges == 30
    assert (candidates.transcript_path, candidates.transcript_format) == (str(path), TranscriptFormat.CLAUDE_JSONL)
    for index in range(10, 30):
        assert excerpt_of(candidates, [index]).endswith(f": message {index}")
    assert excerpt_of(candidates, [29, 10]) == "Human: message 10\n\nAssistant: message 29"
    for wrong in ([9], [0], [30], [-1], [10, 9]):
        with pytest.raises(CaptureError, match="choose from 10 to 29") as raised:
            excerpt_of(candidates, wrong)
        assert raised.value.code == "VALIDATION_ERROR"
    with pytest.raises(CaptureError, match="no candidate is chosen"):
        excerpt_of(candidates, [])


def test_a_short_conversation_is_offered_whole(tmp_path: Path) -> None:
    """From its first message, with the number of records that could not be read."""
    path = claude_transcript(tmp_path / "t.jsonl", "Hi", "Hello")
    with path.open("a") as file:
        file.write('{"type": "user", "mess')
    candidates = read_candidates(str(path))
    assert [message.index for message in candidates.candidates] == [0, 1]
    assert candidates.skipped == 1


def test_where_a_path_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the folder given, at the home, at that of the process; a home of nobody is a folder like any other."""
    monkeypatch.setenv("HOME", str(tmp_path))
    thirty(tmp_path)
    monkeypatch.chdir(tmp_path)
    for path, cwd in (("t.jsonl", str(tmp_path)), ("~/t.jsonl", None), ("t.jsonl", "~"), ("t.jsonl", None)):
        assert read_candidates(path, None, cwd).total_exchanges == 30
    with pytest.raises(CaptureError) as raised:
        read_candidates("~nobody-of-that-name/t.jsonl")
    assert raised.value.code == "TRANSCRIPT_NOT_FOUND"


def test_every_refusal_has_its_code(tmp_path: Path) -> None:
    """0.3's codes, as a dict in 0.3's shape and as one line."""
    path = thirty(tmp_path)
    words = write(tmp_path, "words.txt", "Dear diary")
    quiet = write(tmp_path, "quiet.json", "[]")
    database = tmp_path / "state.vscdb"
    database.write_bytes(b"SQLite format 3\0")
    for wrong, hint, code in (
        (tmp_path / "none.jsonl", None, "TRANSCRIPT_NOT_FOUND"),
        (tmp_path, None, "TRANSCRIPT_NOT_FOUND"),
        (Path("/dev/zero"), "raw-json", "TRANSCRIPT_NOT_FOUND"),
        (Path("a\0b"), None, "TRANSCRIPT_NOT_FOUND"),
        (database, None, "TRANSCRIPT_FORMAT_UNSUPPORTED"),
        (path, "lmdb", "TRANSCRIPT_FORMAT_UNSUPPORTED"),
        (path, "word", "TRANSCRIPT_FORMAT_UNSUPPORTED"),
        (words, None, "TRANSCRIPT_PARSE_ERROR"),
        (path, "continue-json", "TRANSCRIPT_PARSE_ERROR"),
        (quiet, None, "TRANSCRIPT_PARSE_ERROR"),
    ):
        with pytest.raises(CaptureError) as raised:
            read_candidates(str(wrong), hint)
        error = raised.value
        assert error.code == code, str(error)
        assert list(error.to_dict()) == ["status", "error_code", "message", "suggestion"]
        assert error.to_dict() == {
            "status": "error",
            "error_code": code,
            "message": error.message,
            "suggestion": error.suggestion,
        }
        assert str(error) == f"{error.message}: {error.suggestion}"
        assert "\n" not in str(error)
    assert issubclass(CaptureError, RekallError)


def test_a_path_that_cannot_be_followed(tmp_path: Path) -> None:
    """What the system refuses to open is said with its reason."""
    loop = tmp_path / "loop.jsonl"
    loop.symlink_to(loop)
    for path in (loop, tmp_path / ("x" * 300)):
        with pytest.raises(CaptureError, match="cannot be opened: ") as raised:
            read_candidates(str(path))
        assert raised.value.code == "TRANSCRIPT_PARSE_ERROR"


def test_a_very_long_message_is_kept_in_part(tmp_path: Path) -> None:
    """A pasted log does not fill the base; what is left out is said."""
    path = claude_transcript(tmp_path / "t.jsonl", "x" * (MAX_MESSAGE + 5), "y" * MAX_MESSAGE)
    candidates = read_candidates(str(path))
    excerpt = excerpt_of(candidates, [0, 1])
    assert excerpt == f"Human: {'x' * MAX_MESSAGE}\n[5 characters left out]\n\nAssistant: {'y' * MAX_MESSAGE}"


def test_changed_files_are_those_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changed ones and new ones, of the folder given or that of the process."""
    folder = repository(tmp_path / "repo", "old.py", "sub/same.py")
    write(folder, "old.py", "second\n")
    write(folder, "sub/new.py")
    assert changed_files(str(folder / "sub")) == (["old.py", "sub/new.py"], None)
    monkeypatch.chdir(folder)
    assert changed_files().files == ["old.py", "sub/new.py"]


def test_without_changes_there_is_nothing_to_say(tmp_path: Path) -> None:
    """A clean repository is no failure."""
    assert changed_files(str(repository(tmp_path / "repo", "a.py"))) == ([], None)


def test_why_git_gives_no_files_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No repository, no folder, no git: a note with the reason, never an exception."""
    for folder, reason in ((tmp_path, "no git repository"), (tmp_path / "none", "no folder"), (Path("a\0b"), "cannot")):
        files, note = changed_files(str(folder))
        assert files == []
        assert note is not None
        assert reason in note
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert "dubious ownership" in str(changed_files(str(repository(tmp_path / "repo"))).note)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no git on this machine" in str(changed_files(str(tmp_path)).note)


def test_many_files_are_kept_in_part_and_every_name_can_be_stored(tmp_path: Path) -> None:
    """The first hundred, with the number of all; a name that is no text is written with question marks."""
    folder = repository(tmp_path / "repo")
    for number in range(MAX_FILES):
        write(folder, f"{number:03}.py")
    write(folder, os.fsdecode(b"\xff.py"))
    files, note = changed_files(str(folder))
    assert len(files) == MAX_FILES
    assert note == f"{MAX_FILES + 1} files have changed, the first {MAX_FILES} are kept"
    for number in range(50):
        (folder / f"{number:03}.py").unlink()
    assert "?.py" in changed_files(str(folder)).files
