"""A text in the person's own editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rekall.errors import RekallError


class EditorError(RekallError):
    """The editor cannot be started, or said that it failed."""


@dataclass(frozen=True)
class EditedText:
    """What the editor left.

    Args:
        content: the text.
        file: where it is, until `kept_on_error` ends well.
    """

    content: str
    file: Path

    @contextmanager
    def kept_on_error(self) -> Iterator[None]:
        """Use the text; when that fails, the file stays and the error names it: nothing typed is lost."""
        try:
            yield
        except (RekallError, ValueError) as error:
            raise EditorError(f"{error}; nothing was changed, your text is in {self.file}") from error
        self.file.unlink()


def edit_text(text: str, editor: str | None = None, *, suffix: str = ".md") -> EditedText:
    """Open a text in $VISUAL, $EDITOR, `editor`, or what the platform has, and wait.

    Raises:
        EditorError: it cannot be started, it failed, or what it left is not UTF-8.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or editor or _platform_editor()
    number, name = tempfile.mkstemp(prefix="rekall-", suffix=suffix)
    file = Path(name)
    with os.fdopen(number, "w", encoding="utf-8", newline="\n") as handle:
        handle.write(text)
    try:
        status = subprocess.run([*shlex.split(command), str(file)], check=False).returncode
    except (OSError, ValueError) as error:
        file.unlink()
        raise EditorError(f"the editor '{command}' cannot be started ({error}): set EDITOR to another one") from error
    if status != 0:
        raise EditorError(
            f"the editor '{command}' ended with status {status}; nothing was changed, your text is in {file}"
        )
    try:
        return EditedText(file.read_text(encoding="utf-8"), file)
    except UnicodeDecodeError as error:
        raise EditorError(f"the edited text is not UTF-8; nothing was changed, it is in {file}") from error


def _platform_editor() -> str:
    return "notepad" if sys.platform == "win32" else "vi"
