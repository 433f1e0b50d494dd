"""What a person types, turned into FTS5 expressions that cannot fail.

User text never reaches MATCH as it is. What is valid in FTS5's language keeps its meaning (`rekall.store.grammar`):
`"phrase"`, `prefix*`, `AND`, `OR`, `NOT`, `title:word`, `^first`, `NEAR(a b, 5)`, brackets. Anything else is read as
words: punctuation separates, as in the tokenizer that made the index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rekall.store.grammar import Node

MAX_TERMS = 64
"""Distinct words of one query that are looked up; more of them change no answer that a person would notice."""
OPERATORS = ("AND", "OR", "NOT")


class ParsedQuery(NamedTuple):
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
    words = text.split()
    if text.isascii() and all(word.isalnum() and word not in OPERATORS for word in words):
        return _from_words(words)
    from rekall.store import grammar  # plain words, the usual query, do without

    clean = text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    try:
        tree = grammar.parse(clean)
    except grammar.NotFts5Error:
        return _from_words(grammar.words(clean))
    if all(node.operator == "AND" for node in tree.walk() if node.children) and tree.is_plain:
        return _from_words([leaf.text for leaf in tree.leaves() if leaf.has_token], tree)
    return _from_tree(tree)


def quote(text: str) -> str:
    """The text as an FTS5 string."""
    return '"' + text.replace('"', '""') + '"'


def _from_words(words: list[str], tree: Node | None = None) -> ParsedQuery:
    distinct = list(dict.fromkeys(words))[:MAX_TERMS]
    if not distinct:
        return ParsedQuery(None)
    if tree is not None and len(words) <= MAX_TERMS:
        exact = tree.render()
        leaves = {leaf.render(): None for leaf in tree.leaves()}
        terms = [term for term in leaves if term is not None]
    else:
        terms = [quote(word) for word in distinct]
        exact = " AND ".join(terms)
    any_word = " OR ".join(terms) if len(terms) > 1 else None
    return ParsedQuery(exact, exact, None, any_word, tuple(distinct))


def _from_tree(tree: Node) -> ParsedQuery:
    leaves = [leaf for leaf in tree.leaves() if leaf.near or leaf.has_token]
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
