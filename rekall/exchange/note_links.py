"""The links in the text of a note, and the notes of a folder that they lead to."""

from __future__ import annotations

import io
import posixpath
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_CODE = re.compile(r"(`{1,3})[^`\n]+\1")
_WIKI = re.compile(r"\[\[([^\[\]\n|#^]{1,500})")
_INLINE = re.compile(r"\]\([ \t]{0,8}(?:<([^<>\n]{1,1000})>|((?:[^()\s<>]|\([^()\s]{0,200}\)){1,1000}))")
_REFERENCE = re.compile(r"^ {0,3}\[[^\[\]\n]{1,500}\]:[ \t]{0,8}(?:<([^<>\n]{1,1000})>|(\S{1,1000}))", re.MULTILINE)
_TAG = re.compile(r"(?:(?<=\s)|^)#([\w/-]{1,100})(?![\w/-])", re.MULTILINE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
_NOTE = re.compile(r"\.(?:md|markdown)$", re.IGNORECASE)


def is_note(name: str) -> bool:
    """Whether a file name is that of a Markdown note."""
    return _NOTE.search(name) is not None


def fenced(body: str) -> Iterator[tuple[str, bool]]:
    """The lines of a text, and whether each belongs to a fenced block of code."""
    fence = ""
    for line in (line.removesuffix("\n") for line in io.StringIO(body, newline="\n")):
        found = _FENCE.match(line)
        if not fence and found and not (found[1][0] == "`" and "`" in line[found.end() :]):
            fence = found[1]
            yield line, True
        elif fence:
            closes = found is not None and found[1].startswith(fence) and not line[found.end() :].strip()
            yield line, True
            if closes:
                fence = ""
        else:
            yield line, False


def prose(body: str) -> str:
    """A text without its code."""
    if "`" not in body and "~~~" not in body:
        return body
    kept = io.StringIO()
    for line, code in fenced(body):
        if not code:
            kept.write(line)
            kept.write("\n")
    return _CODE.sub(" ", kept.getvalue())


def first_heading(body: str) -> str | None:
    """The first heading of level 1 that says something."""
    before = ""
    for line, code in fenced(body):
        if not code and line.startswith(("# ", "#\t")):
            found = re.sub(r"[ \t]+#+[ \t]*$", "", line[2:]).strip(" \t#")
            if found:
                return found
        elif not code and before.strip() and re.fullmatch(r" {0,3}={2,}[ \t]*", line):
            return before.strip()
        before = "" if code else line
    return None


def inline_tags(plain: str) -> list[str]:
    """The `#words` in a text without code; a number is none."""
    words = dict.fromkeys(found[1] for found in _TAG.finditer(plain))
    return [word for word in words if any(each.isalpha() for each in word)]


def targets(plain: str) -> Iterator[tuple[str, bool]]:
    """What a text without code links to: a name in `[[ ]]` (True) or a relative path (False)."""
    for wiki in _WIKI.finditer(plain):
        yield wiki[1].strip().rstrip("\\"), True
    for pattern in (_INLINE, _REFERENCE):
        for link in pattern.finditer(plain):
            path = (link[1] or link[2]).partition("#")[0].partition("?")[0]
            if path and not _SCHEME.match(path):
                yield unquote(path, errors="replace"), False


class Names:
    """The notes of a folder by everything that a link may call them.

    Args:
        paths: the notes, as paths with `/` from the folder.
    """

    def __init__(self, paths: list[str]) -> None:
        self._paths = paths
        self._found: dict[str, int | list[int]] = {}
        for number, path in enumerate(paths):
            stem = _NOTE.sub("", path)
            self._add("/", stem, number)
            self._add("", posixpath.basename(stem), number)

    def add(self, number: int, name: str) -> None:
        """Give a note one more name: a title, an alias, an id. The names of files come first."""
        self._add("=", name, number)

    def find(self, source: int, target: str, *, by_name: bool) -> int | None:
        """The note that a link leads to.

        Where several have the name, it is the one beside the source, else the one nearest to the top.

        Args:
            source: the note that holds the link.
            target: a name, or a path from the source's folder.
            by_name: whether it is a name.

        Returns:
            None for whatever is no note of the folder.
        """
        folder = posixpath.dirname(self._paths[source])
        target = target.replace("\\", "/")
        if not by_name:
            if not is_note(target):
                return None
            inside = posixpath.normpath(
                target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
            )
            return self._nearest("/", _NOTE.sub("", inside))
        stem = _NOTE.sub("", target)
        for kind, name in (("/", posixpath.join(folder, stem)), ("/", stem), ("", stem), ("=", target)):
            found = self._nearest(kind, posixpath.normpath(name) if kind == "/" else name)
            if found is not None:
                return found
        return None

    def _add(self, kind: str, name: str, number: int) -> None:
        key = kind + _folded(name)
        present = self._found.get(key)
        if present is None:
            self._found[key] = number
        elif isinstance(present, list):
            present.append(number)
        elif present != number:
            self._found[key] = [present, number]

    def _nearest(self, kind: str, name: str) -> int | None:
        key = kind + _folded(name)
        found = self._found.get(key)
        if isinstance(found, list):
            same = [number for number in found if _NOTE.sub("", self._paths[number]) == name]
            found = min(same or found, key=lambda number: (self._paths[number].count("/"), self._paths[number]))
            if kind != "/":
                self._found[key] = found
        return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split())).casefold()
