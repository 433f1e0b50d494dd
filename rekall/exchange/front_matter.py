"""The front matter of a Markdown note: YAML between lines of `---`, or TOML between lines of `+++`.

Every value is the text that stands there: `yes`, `1.10`, `22:30` and `2024-01-05` mean what their reader makes of them.
What YAML could do beyond that (aliases, tags that build objects) is refused or ignored.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

from rekall.errors import ImportRefusedError

Value: TypeAlias = "str | list[Any] | dict[str, Any]"

LONGEST = 64 * 1024
"""Characters of a front matter."""
_DEEPEST = 20
_FENCES = {"---": "yaml", "+++": "toml"}
_END = {
    "yaml": re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE),
    "toml": re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE),
}


@dataclass(frozen=True)
class FrontMatter:
    """What stands before a note.

    Args:
        values: key to text, list or mapping of such values.
        language: `yaml` or `toml`.
        sources: key to the lines that state it, for those keys whose lines say nothing else.
        source: all of it.
    """

    values: dict[str, Value] = field(default_factory=dict)
    language: str = "yaml"
    sources: dict[str, str] = field(default_factory=dict)
    source: str = ""

    def lines_of(self, keys: list[str]) -> str:
        """What states some of the keys, as it was written where that is possible."""
        if not keys:
            return ""
        if all(key in self.sources for key in keys):
            return "\n".join(self.sources[key].strip("\n") for key in keys)
        return self.source.strip("\n")


def split(text: str, place: str) -> tuple[FrontMatter, str]:
    """The front matter of a text, and the rest of it.

    Args:
        text: with `\\n` as the end of lines.
        place: what it is, for messages.

    Raises:
        ImportRefusedError: it is malformed, too long, or uses what is not taken; the message names the line.
    """
    first, _, rest = text.partition("\n")
    language = _FENCES.get(first.rstrip())
    end = _END[language].search(rest) if language else None
    if language is None or end is None:
        return FrontMatter(), text
    source, body = rest[: end.start()], rest[end.end() + 1 :]
    if len(source) > LONGEST:
        raise ImportRefusedError(
            f"{place}: its front matter has {len(source)} characters, more than {LONGEST}: move some into the text"
        )
    if language == "toml":
        return _toml(source, place), body
    found = _yaml(source, place)
    # a text between two rules is a text
    return (FrontMatter(), text) if found is None else (found, body)


def _yaml(source: str, place: str) -> FrontMatter | None:
    """The mapping that a YAML text is; None if it is something else."""
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        return _Yaml(source, place).built(yaml.parse(source, Loader=loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = source.count("\n", 0, getattr(error, "position", 0)) if mark is None else mark.line
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "malformed"
        raise ImportRefusedError(
            f"{place}, line {line + 2}: its front matter is no YAML ({problem}): mend it (a text with ': ' or a leading"
            " special character needs quotes)"
        ) from error


class _Yaml:
    """Builds values from the events of a parser: nothing is built that was not written out."""

    def __init__(self, source: str, place: str) -> None:
        self._source = source
        self._place = place
        self._line = 0
        self._open: list[tuple[Any, list[str]]] = []  # a container, and the key that waits for its value
        self._root: Any = None
        self._starts: list[tuple[str, int]] = []
        self._flow = False

    def built(self, events: Iterator[Any]) -> FrontMatter | None:
        """The front matter, None if the text is no mapping."""
        documents = 0
        for event in events:
            self._line = event.start_mark.line + 2
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    self._refuse("is several YAML documents", "keep one")
            elif kind == "AliasEvent":
                self._refuse(f"uses a YAML alias (*{event.anchor[:40]})", "write the value out, or in quotes")
            elif kind in ("MappingStartEvent", "SequenceStartEvent"):
                if not self._open:
                    self._flow = bool(event.flow_style)
                self._begin({} if kind == "MappingStartEvent" else [])
            elif kind == "ScalarEvent":
                self._scalar(event)
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                self._open.pop()
        if self._root is None or self._root == "":
            return FrontMatter(source=self._source)
        return FrontMatter(self._root, "yaml", self._sources(), self._source) if isinstance(self._root, dict) else None

    def _begin(self, container: Any) -> None:
        if len(self._open) == _DEEPEST:
            self._refuse(f"nests values more than {_DEEPEST} deep", "write it flat, or move it into the text")
        if self._open and isinstance(self._open[-1][0], dict) and not self._open[-1][1]:
            self._refuse("has a key that is no text", "put it in quotes, such as '{{title}}' for a placeholder")
        self._put(container)
        self._open.append((container, []))

    def _scalar(self, event: Any) -> None:
        text: str = event.value
        if not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text):
            self._refuse("has half of a surrogate pair", "remove it")
        container, key = self._open[-1] if self._open else (None, [])
        if isinstance(container, dict) and not key:
            if text in container:
                self._refuse(f"has the key '{text[:40]}' twice", "keep one of them")
            key.append(text)
            container[text] = ""
            if len(self._open) == 1:
                self._starts.append((text, event.start_mark.index))
        else:
            self._put(text)

    def _put(self, value: Any) -> None:
        if not self._open:
            self._root = value
            return
        container, key = self._open[-1]
        if isinstance(container, dict):
            container[key.pop()] = value
        else:
            container.append(value)

    def _sources(self) -> dict[str, str]:
        if self._flow:
            return {}
        ends = [start for _, start in self._starts[1:]] + [len(self._source)]
        return {key: self._source[start:end] for (key, start), end in zip(self._starts, ends, strict=True)}

    def _refuse(self, what: str, mend: str) -> NoReturn:
        raise ImportRefusedError(f"{self._place}, line {self._line}: its front matter {what}: {mend}")


def _toml(source: str, place: str) -> FrontMatter:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    import tomlkit

    try:
        data = tomllib.loads("\n" + source)  # so that its lines are those of the file
        sources = {key: tomlkit.dumps({key: value}).strip() for key, value in data.items()}
        return FrontMatter(_texts(data), "toml", sources, source)
    except RecursionError as error:
        raise ImportRefusedError(f"{place}: its front matter nests values too deep: write it flat") from error
    except ValueError as error:
        raise ImportRefusedError(f"{place}: its front matter is no TOML ({error}): mend it") from error


def _texts(value: Any) -> Any:
    """Values of TOML as the texts that YAML has."""
    if isinstance(value, dict):
        return {key: _texts(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_texts(inner) for inner in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if isoformat else str(value)
