"""What a person types, turned into FTS5 expressions that cannot fail.

User text never reaches MATCH as it is. What is valid in FTS5's language (https://www.sqlite.org/fts5.html, "Full-text
Query Syntax") keeps its meaning: `"phrase"`, `prefix*`, `AND`, `OR`, `NOT`, `title:word`, `^first`, `NEAR(a b, 5)`,
brackets. Anything else is read as words: punctuation separates, as in the tokenizer that made the index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MAX_TERMS = 64
"""Distinct words of one query that are looked up; more of them change no answer that a person would notice."""
MAX_DEPTH = 32
"""Nested brackets that are read as such; SQLite refuses an expression deeper than 256."""

_COLUMNS = ("title", "content", "tags")
_OPERATORS = ("AND", "OR", "NOT")
_LEXEME = re.compile(
    r'\s*(?:(?P<string>"(?:[^"]|"")*")|(?P<word>[A-Za-z0-9_\x1a\u0080-\U0010ffff]+)|(?P<sign>[-():*^+,{}]))'
)


@dataclass(frozen=True)
class ParsedQuery:
    """One query in the forms that a search needs; each is a valid MATCH expression, or None where there is none.

    Args:
        exact: for `entries_fts`: what the text means in FTS5's language, or all of its words.
        context: the same for the context table: no column filters.
        excluded: hits of this expression in `entries_fts` are no hits of `context` (from a NOT).
        any_word: any of the words; None when there is one word only, or the text uses operators.
        words: the words looked up, in order.
    """

    exact: str | None
    context: str | None = None
    excluded: str | None = None
    any_word: str | None = None
    words: tuple[str, ...] = ()


def parse_query(text: str) -> ParsedQuery:
    """Read what was typed; never raises, whatever the text is."""
    if text.isascii() and text.isalnum() and text not in _OPERATORS:
        return ParsedQuery(_quote(text), _quote(text), words=(text,))
    clean = text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    try:
        tree = _Parser(clean).parse()
    except _NotFts5Error:
        return _from_words(_words(clean))
    if all(node.operator == "AND" for node in tree.walk() if node.children) and tree.is_plain:
        return _from_words([leaf.text for leaf in tree.leaves() if _has_token(leaf.text)], tree)
    return _from_tree(tree)


class _NotFts5Error(Exception):
    """The text is no expression of FTS5's language."""


@dataclass(frozen=True)
class _Node:
    """A phrase (no children), or children joined by an operator."""

    operator: str = ""
    children: tuple[_Node, ...] = ()
    text: str = ""
    prefix: bool = False
    first: bool = False
    columns: str = ""
    near: str = ""

    @property
    def is_plain(self) -> bool:
        return not any(node.columns or node.near for node in self.walk())

    def walk(self) -> Iterator[_Node]:
        yield self
        for child in self.children:
            yield from child.walk()

    def leaves(self) -> Iterator[_Node]:
        return (node for node in self.walk() if not node.children)

    def render(self) -> str | None:
        """The MATCH expression; None when nothing in it can match."""
        if not self.children:
            if self.near:
                return self.columns + self.near
            if not _has_token(self.text):
                return None
            return f"{self.columns}{'^ ' if self.first else ''}{_quote(self.text)}{' *' if self.prefix else ''}"
        rendered = [child.render() for child in self.children]
        if self.operator == "NOT" and rendered[0] is None:
            return None
        parts = [part for part in rendered if part is not None]
        if not parts:
            return None
        if len(parts) == 1:
            return f"{self.columns}({parts[0]})" if self.columns else parts[0]
        return f"{self.columns}({f' {self.operator} '.join(parts)})"


def _from_words(words: list[str], tree: _Node | None = None) -> ParsedQuery:
    distinct = list(dict.fromkeys(words))[:MAX_TERMS]
    if not distinct:
        return ParsedQuery(None)
    if tree is not None and len(words) <= MAX_TERMS:
        exact = tree.render()
        leaves = {leaf.render(): None for leaf in tree.leaves()}
        terms = [term for term in leaves if term is not None]
    else:
        terms = [_quote(word) for word in distinct]
        exact = " AND ".join(terms)
    any_word = " OR ".join(terms) if len(terms) > 1 else None
    return ParsedQuery(exact, exact, None, any_word, tuple(distinct))


def _from_tree(tree: _Node) -> ParsedQuery:
    leaves = [leaf for leaf in tree.leaves() if leaf.near or _has_token(leaf.text)]
    words = tuple(dict.fromkeys(leaf.text for leaf in leaves if leaf.text))
    if len(leaves) > MAX_TERMS:
        return _from_words(list(words))
    exact = tree.render()
    negated = [node for node in tree.walk() if node.operator == "NOT"]
    if not tree.is_plain or any(node is not tree for node in negated):
        return ParsedQuery(exact, words=words)
    if tree.operator == "NOT":
        excluded = [part for part in (child.render() for child in tree.children[1:]) if part is not None]
        return ParsedQuery(exact, exact, " OR ".join(excluded) or None, words=words)
    return ParsedQuery(exact, exact, words=words)


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
                raise _NotFts5Error
            yield match.lastgroup, match.group(match.lastgroup)
            position = match.end()

    def parse(self) -> _Node:
        if not self._tokens:
            raise _NotFts5Error
        tree = self._either()
        if self._position < len(self._tokens):
            raise _NotFts5Error
        return tree

    def _either(self) -> _Node:
        return self._chain("OR", lambda: self._chain("AND", self._without))

    def _without(self) -> _Node:
        return self._chain("NOT", self._side_by_side)

    def _chain(self, operator: str, operand: Callable[[], _Node]) -> _Node:
        nodes = [operand()]
        while self._take("word", operator):
            nodes.append(operand())
        return nodes[0] if len(nodes) == 1 else _Node(operator, tuple(nodes))

    def _side_by_side(self) -> _Node:
        nodes = [self._term()]
        while not self._at_end() and not self._next_is_operator():
            nodes.append(self._term())
        return nodes[0] if len(nodes) == 1 else _Node("AND", tuple(nodes))

    def _term(self) -> _Node:
        columns = self._column_filter()
        if self._take("sign", "("):
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise _NotFts5Error
            inner = self._either()
            self._depth -= 1
            self._expect(")")
            return _Node(inner.operator or "AND", inner.children or (inner,), columns=columns) if columns else inner
        if self._peek() == ("word", "NEAR") and self._peek(1) == ("sign", "("):
            return _Node(near=self._near(), columns=columns)
        first = self._take("sign", "^")
        return self._phrase(columns, first)

    def _phrase(self, columns: str = "", first: bool = False) -> _Node:
        text = self._string()
        while self._take("sign", "+"):
            text += " " + self._string()
        return _Node(text=text, prefix=self._take("sign", "*"), first=first, columns=columns)

    def _near(self) -> str:
        self._position += 2
        phrases = []
        distance = ""
        while not self._take("sign", ")"):
            if self._take("sign", ","):
                kind, distance = self._next()
                if kind != "word" or not distance.isdecimal() or len(distance) > 6:
                    raise _NotFts5Error
                self._expect(")")
                break
            phrases.append(self._phrase())
        rendered = [phrase.render() for phrase in phrases]
        if not rendered or None in rendered:
            raise _NotFts5Error
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
                raise _NotFts5Error
            return f"{negated}{{{' '.join(name.lower() for name in names)}}} : "
        if negated or names:
            raise _NotFts5Error
        self._position = start
        return ""

    def _string(self) -> str:
        kind, text = self._next()
        if kind == "word" and text not in _OPERATORS:
            return text
        if kind == "string":
            return text[1:-1].replace('""', '"')
        raise _NotFts5Error

    def _at_end(self) -> bool:
        return self._position >= len(self._tokens)

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        index = self._position + ahead
        return self._tokens[index] if index < len(self._tokens) else ("", "")

    def _next(self) -> tuple[str, str]:
        if self._at_end():
            raise _NotFts5Error
        self._position += 1
        return self._tokens[self._position - 1]

    def _take(self, kind: str, text: str) -> bool:
        if self._peek() != (kind, text):
            return False
        self._position += 1
        return True

    def _expect(self, sign: str) -> None:
        if not self._take("sign", sign):
            raise _NotFts5Error

    def _next_is_operator(self) -> bool:
        return self._peek() in (("word", "AND"), ("word", "OR"), ("word", "NOT"), ("sign", ")"))


def _words(text: str) -> list[str]:
    """The words of a text that is no FTS5 expression; `user-id` stays together, as a phrase."""
    stripped = (raw.strip("\"'`.,;:!?()[]{}<>") for raw in text.split())
    return [word for word in stripped if _has_token(word)]


def _has_token(text: str) -> bool:
    """Whether unicode61 finds a token: a letter, a number or a private character."""
    return any(unicodedata.category(char)[0] in "LN" or unicodedata.category(char) == "Co" for char in text)


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
