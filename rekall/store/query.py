"""What a person types, turned into FTS5 expressions that cannot fail.

User text never reaches MATCH as it is. What is valid in FTS5's language keeps its meaning (`rekall.store.grammar`):
`"phrase"`, `prefix*`, `AND`, `OR`, `NOT`, `title:word`, `^first`, `NEAR(a b, 5)`, brackets. Anything else is read as
words: punctuation separates, as in the tokenizer that made the index. Colours of a terminal, pasted with a message, are
no part of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rekall.store.grammar import Node

MAX_TERMS = 64
"""Distinct words of one query that are looked up; more of them change no answer that a person would notice."""
MAX_READ = 256
"""Distinct terms of a longer text that are read: as many of its beginning as of its end. The rarest are looked up."""
SHORT = 4
"""Words of a short query at most: entries with all of them come before all others."""
OPERATORS = ("AND", "OR", "NOT")

# a version or an address, and what unicode61 takes for one token, nearly: letters and digits, and accents behind them
_PART = re.compile(r"[^\W_]*\d(?:[.:]\d+)+|[^\W_](?:[^\W_]|[\u0300-\u036f])*")
_COMPOUND = re.compile(r"[^\W_][\W_]|[\W_][^\W_]")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CODE = re.compile(r"(?=.*\d)(?:.*[^\W\d_]|\d{3,})")


class ParsedQuery(NamedTuple):
    """One query in the forms that a search needs; each is a valid MATCH expression, or None where there is none.

    Args:
        exact: for `entries_fts`: what the text means in FTS5's language, or all of its words.
        context: the same for the context table: no column filters.
        excluded: hits of this expression in `entries_fts` are no hits of `context` (from a NOT).
        words: the words looked up, in order, as they were typed.
        terms: what is told apart of them, punctuation being a separator: `user-id` is two.
        is_plain: words side by side, without operators: an entry that holds some of the terms is a hit too.
    """

    exact: str | None
    context: str | None = None
    excluded: str | None = None
    words: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    is_plain: bool = False

    @property
    def has_loose_terms(self) -> bool:
        """Whether some of the terms, but not all of them, can be found."""
        return self.is_plain and len(self.terms) > 1

    @property
    def compounds(self) -> list[str]:
        """Words with punctuation, such as `user-id`, of which the index knows the parts only."""
        return [word for word in self.words if self.is_plain and _COMPOUND.search(word)]

    @property
    def is_short(self) -> bool:
        """Whether entries with all words come before all others."""
        return len(self.words) <= SHORT or not self.has_loose_terms


def parse_query(text: str) -> ParsedQuery:
    """Read what was typed; never raises, whatever the text is."""
    words = text.split()
    if text.isascii() and all(word.isalnum() and word not in OPERATORS for word in words):
        return _from_words(words)
    from rekall.store import grammar  # plain words, the usual query, do without

    clean = _COLOUR.sub(" ", text).encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    try:
        tree = grammar.parse(clean)
    except grammar.NotFts5Error:
        return _from_words(grammar.words(clean))
    if all(node.operator == "AND" for node in tree.walk() if node.children) and tree.has_one_scope:
        return _from_words([leaf.text for leaf in tree.leaves() if leaf.has_token], tree)
    return _from_tree(tree)


def is_code(term: str) -> bool:
    """Whether a term is like an error code: letters and digits together, or a number of three digits or more."""
    return _CODE.match(term.strip('"')) is not None


def verbatim(word: str, text: str) -> bool:
    """Whether a word stands in a text as it was typed, in any case, and not as a part of a longer one."""
    before = r"(?<![^\W_])" if word[0].isalnum() else ""
    after = r"(?![^\W_])" if word[-1].isalnum() else ""
    return re.search(f"{before}{re.escape(word)}{after}", text, re.IGNORECASE) is not None


def quote(text: str) -> str:
    """The text as an FTS5 string."""
    return '"' + text.replace('"', '""') + '"'


def _from_words(words: list[str], tree: Node | None = None) -> ParsedQuery:
    distinct = list(dict.fromkeys(words))
    if not distinct:
        return ParsedQuery(None)
    looked_up = tuple(distinct[:MAX_TERMS])
    if tree is not None and len(words) <= MAX_TERMS:
        exact = tree.render()
        terms = [term for leaf in tree.leaves() for term in _terms_of(leaf, alone=not tree.children)]
    else:
        exact = " AND ".join(map(quote, looked_up))
        terms = [quote(part) for word in distinct for part in _parts(word)]
    return ParsedQuery(exact, exact, None, looked_up, _ends(list(dict.fromkeys(terms))), is_plain=True)


def _from_tree(tree: Node) -> ParsedQuery:
    leaves = [leaf for leaf in tree.leaves() if leaf.near or leaf.has_token]
    words = tuple(dict.fromkeys(leaf.text for leaf in leaves if leaf.text))
    if len(leaves) > MAX_TERMS:
        return _from_words(list(words))
    exact = tree.render()
    terms = tuple(dict.fromkeys(term for leaf in leaves for term in (leaf.render(),) if term is not None))
    negated = [node for node in tree.walk() if node.operator == "NOT"]
    if not tree.has_one_scope or any(node is not tree for node in negated):
        return ParsedQuery(exact, words=words, terms=terms)
    if tree.operator == "NOT":
        excluded = [part for part in (child.render() for child in tree.children[1:]) if part is not None]
        return ParsedQuery(exact, exact, " OR ".join(excluded) or None, words=words, terms=terms)
    return ParsedQuery(exact, exact, words=words, terms=terms)


def _terms_of(leaf: Node, *, alone: bool) -> list[str]:
    """The terms of one of the words side by side; those of a quoted phrase too, unless it is short and all there is."""
    rendered = [term for term in (leaf.render(),) if term is not None]
    if leaf.prefix or leaf.first or not leaf.has_token:
        return rendered
    parts = [quote(part) for part in _parts(leaf.text)]
    if len(leaf.text.split()) == 1:
        return parts
    return rendered if alone and len(parts) <= SHORT else [*rendered, *parts]


def _parts(word: str) -> list[str]:
    """The tokens of a word in lower case; what has none that we can see stays whole."""
    return _PART.findall(word.lower()) or [word]


def _ends(terms: list[str]) -> tuple[str, ...]:
    """All terms, or the first and the last ones: a traceback says at its end what went wrong."""
    half = MAX_READ // 2
    return tuple(terms if len(terms) <= MAX_READ else terms[:half] + terms[-half:])
