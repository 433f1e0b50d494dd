"""FTS5's query language (https://www.sqlite.org/fts5.html, "Full-text Query Syntax"), parsed and rendered again.

Loaded for a query that is more than plain words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rekall.store.query import OPERATORS, quote

MAX_DEPTH = 32
"""Nested brackets that are read as such; SQLite refuses an expression deeper than 256."""

_COLUMNS = ("title", "content", "tags")
# the word is FTS5's bareword: ASCII letters, digits, underscore, substitute, and every character beyond ASCII
_LEXEME = re.compile(
    r'\s*(?:(?P<string>"(?:[^"]|"")*")|(?P<word>[^\x00-\x19\x1b-/:-@\[-^`{-\x7f]+)|(?P<sign>[-():*^+,{}]))'
)


def parse(text: str) -> Node:
    """The tree of an expression.

    Raises:
        NotFts5Error: the text is none.
    """
    return _Parser(text).parse()


class NotFts5Error(Exception):
    """The text is no expression of FTS5's language."""


@dataclass(frozen=True)
class Node:
    """A phrase (no children), or children joined by an operator."""

    operator: str = ""
    children: tuple[Node, ...] = ()
    text: str = ""
    prefix: bool = False
    first: bool = False
    columns: str = ""
    near: str = ""

    @property
    def has_token(self) -> bool:
        return _has_token(self.text)

    @property
    def has_one_scope(self) -> bool:
        """Whether nothing in it is about one column or about nearness."""
        return not any(node.columns or node.near for node in self.walk())

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.walk()

    def leaves(self) -> Iterator[Node]:
        return (node for node in self.walk() if not node.children)

    def render(self) -> str | None:
        """The MATCH expression; None when nothing in it can match."""
        if not self.children:
            if self.near:
                return self.columns + self.near
            if not self.has_token:
                return None
            return f"{self.columns}{'^ ' if self.first else ''}{quote(self.text)}{' *' if self.prefix else ''}"
        rendered = [child.render() for child in self.children]
        if self.operator == "NOT" and rendered[0] is None:
            return None
        parts = [part for part in rendered if part is not None]
        if not parts:
            return None
        if len(parts) == 1:
            return f"{self.columns}({parts[0]})" if self.columns else parts[0]
        return f"{self.columns}({f' {self.operator} '.join(parts)})"


class _Parser:
    """Recursive descent over FTS5's grammar: OR binds loosest, then AND, then NOT, then words side by side."""

    def __init__(self, text: str) -> None:
        self._tokens = list(self._lex(text))
        self._position = 0
        self._depth = 0

    @staticmethod
    def _lex(text: str) -> Iterator[tuple[str, str]]:
        position, text = 0, text.rstrip()
        while position < len(text):
            match = _LEXEME.match(text, position)
            if match is None or match.lastgroup is None:
                raise NotFts5Error
            yield match.lastgroup, match.group(match.lastgroup)
            position = match.end()

    def parse(self) -> Node:
        if not self._tokens:
            raise NotFts5Error
        tree = self._either()
        if self._position < len(self._tokens):
            raise NotFts5Error
        return tree

    def _either(self) -> Node:
        return self._chain("OR", lambda: self._chain("AND", self._without))

    def _without(self) -> Node:
        return self._chain("NOT", self._side_by_side)

    def _chain(self, operator: str, operand: Callable[[], Node]) -> Node:
        nodes = [operand()]
        while self._take("word", operator):
            nodes.append(operand())
        return nodes[0] if len(nodes) == 1 else Node(operator, tuple(nodes))

    def _side_by_side(self) -> Node:
        nodes = [self._term()]
        while not self._at_end() and not self._next_is_operator():
            nodes.append(self._term())
        return nodes[0] if len(nodes) == 1 else Node("AND", tuple(nodes))

    def _term(self) -> Node:
        columns = self._column_filter()
        if self._take("sign", "("):
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise NotFts5Error
            inner = self._either()
            self._depth -= 1
            self._expect(")")
            return Node(inner.operator or "AND", inner.children or (inner,), columns=columns) if columns else inner
        if self._peek() == ("word", "NEAR") and self._peek(1) == ("sign", "("):
            return Node(near=self._near(), columns=columns)
        first = self._take("sign", "^")
        return self._phrase(columns, first)

    def _phrase(self, columns: str = "", first: bool = False) -> Node:
        text = self._string()
        while self._take("sign", "+"):
            text += " " + self._string()
        return Node(text=text, prefix=self._take("sign", "*"), first=first, columns=columns)

    def _near(self) -> str:
        self._position += 2
        phrases = []
        distance = ""
        while not self._take("sign", ")"):
            if self._take("sign", ","):
                kind, distance = self._next()
                if kind != "word" or not distance.isdecimal() or len(distance) > 6:
                    raise NotFts5Error
                self._expect(")")
                break
            phrases.append(self._phrase())
        rendered = [phrase.render() for phrase in phrases]
        if not rendered or None in rendered:
            raise NotFts5Error
        return f"NEAR({' '.join(filter(None, rendered))}{f', {int(distance)}' if distance else ''})"

    def _column_filter(self) -> str:
        start = self._position
        negated = "- " if self._take("sign", "-") else ""
        names = []
        if self._take("sign", "{"):
            while not self._take("sign", "}"):
                names.append(self._string())
        elif self._peek()[0] in ("word", "string") and self._peek(1) == ("sign", ":"):
            names.append(self._string())
        if names and self._take("sign", ":"):
            if any(name.lower() not in _COLUMNS for name in names):
                raise NotFts5Error
            return f"{negated}{{{' '.join(name.lower() for name in names)}}} : "
        if negated or names:
            raise NotFts5Error
        self._position = start
        return ""

    def _string(self) -> str:
        kind, text = self._next()
        if kind == "word" and text not in OPERATORS:
            return text
        if kind == "string":
            return text[1:-1].replace('""', '"')
        raise NotFts5Error

    def _at_end(self) -> bool:
        return self._position >= len(self._tokens)

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        index = self._position + ahead
        return self._tokens[index] if index < len(self._tokens) else ("", "")

    def _next(self) -> tuple[str, str]:
        if self._at_end():
            raise NotFts5Error
        self._position += 1
        return self._tokens[self._position - 1]

    def _take(self, kind: str, text: str) -> bool:
        if self._peek() != (kind, text):
            return False
        self._position += 1
        return True

    def _expect(self, sign: str) -> None:
        if not self._take("sign", sign):
            raise NotFts5Error

    def _next_is_operator(self) -> bool:
        return self._peek() in (("word", "AND"), ("word", "OR"), ("word", "NOT"), ("sign", ")"))


def words(text: str) -> list[str]:
    """The words of a text that is no FTS5 expression; `user-id` stays together, as a phrase."""
    stripped = (raw.strip("\"'`.,;:!?()[]{}<>") for raw in text.split())
    return [word for word in stripped if _has_token(word)]


def _has_token(text: str) -> bool:
    """Whether unicode61 finds a token: a letter, a number or a private character."""
    return any(unicodedata.category(char)[0] in "LN" or unicodedata.category(char) == "Co" for char in text)
