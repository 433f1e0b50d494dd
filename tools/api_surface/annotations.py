"""Types as they are written: whether one accepts less, or gives more, than another."""

from __future__ import annotations

import ast


def narrowed(old: str, new: str) -> bool:
    """Whether `new` is `old` with members of a union, or values of a `Literal`, left out."""
    return _members(new) < _members(old)


def widened(old: str, new: str) -> bool:
    """Whether `new` is `old` with further members of a union, or values of a `Literal`."""
    return _members(old) < _members(new)


def _members(annotation: str) -> set[str]:
    """The types of a union; each value of a `Literal` counts as one."""
    return set(_parts(ast.parse(annotation, mode="eval").body)) if annotation else set()


def _parts(node: ast.expr) -> list[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_parts(node.left), *_parts(node.right)]
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) in ("Literal", "typing.Literal"):
        values = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return [ast.unparse(value) for value in values]
    return [ast.unparse(node)]
