"""Where the code warns that something is deprecated: read from its syntax tree, nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rekall.deprecation import Deprecation

TABLES = {"OLDER_KEYS": "config key", "OLDER_OPTIONS": "CLI option", "OLDER_PARAMETERS": "MCP parameter"}
"""Tables of older names, and the kind of what they hold."""
_MECHANISM = "rekall.deprecation"
_ANY = ("function", "method", "class", "attribute", "parameter")
_PAST_THE_REGISTER = {"DeprecationWarning", "PendingDeprecationWarning", "FutureWarning", "RekallDeprecationWarning"}


class Warned(NamedTuple):
    """A place that warns.

    Args:
        name: of what is deprecated.
        kinds: the kinds that it can be, seen from the code.
        file: relative to the checkout.
        line: in it.
    """

    name: str
    kinds: tuple[str, ...]
    file: str
    line: int

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}"


class Mention(NamedTuple):
    """A place that names something: by its own name, as an attribute, or as a text that is nothing but the name."""

    module: str
    place: str
    is_use: bool


class Code(NamedTuple):
    """What a package says.

    Args:
        warned: the places that warn.
        faults: calls that the register cannot be compared with, each with its place.
        mentions: by name, the places that name what a row has for its target.
        imported: the modules that some module imports.
    """

    warned: list[Warned]
    faults: list[str]
    mentions: dict[str, list[Mention]]
    imported: set[str]

    def only_for(self, row: Deprecation) -> str | None:
        """The place of what a name that moved stands for, if nothing but its row needs it; None otherwise."""
        module, _, name = row.target.partition(":")
        mentions = self.mentions.get(name, [])
        defined = [each.place for each in mentions if each.module == module and not each.is_use]
        if not defined or row.replacement == f"{module}.{name}":
            return None
        if module in self.imported and any(each.is_use or each.module != module for each in mentions):
            return None
        return defined[0]


def read_code(root: Path, rows: Mapping[str, Deprecation]) -> Code:
    """Every place of a checkout's package that warns.

    Args:
        root: the checkout.
        rows: its register, which says what the names are that moved.
    """
    found = Code([], [], {}, set())
    for file in sorted((root / "rekall").rglob("*.py")):
        shown = file.relative_to(root).as_posix()
        module = shown.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if module != _MECHANISM:
            _Module(module, shown, rows, found).visit(ast.parse(file.read_text("utf-8")))
    return found


class _Module(ast.NodeVisitor):
    """One module."""

    def __init__(self, module: str, file: str, rows: Mapping[str, Deprecation], found: Code) -> None:
        self._module, self._file, self._rows, self._found = module, file, rows, found
        self._targets = {row.target.partition(":")[2] for row in rows.values()} - {""}
        self._functions: dict[str, str] = {}
        self._modules: set[str] = {_MECHANISM}
        self._in_class = [False]

    def visit_Module(self, node: ast.Module) -> None:  # the name that NodeVisitor looks for
        for each in ast.walk(node):  # an import inside a function counts as well
            self._mentioned(each)
            if isinstance(each, ast.ImportFrom) and each.module:
                self._found.imported.update((each.module, *(f"{each.module}.{name.name}" for name in each.names)))
            elif isinstance(each, ast.Import):
                self._found.imported.update(name.name for name in each.names)
            if isinstance(each, ast.ImportFrom) and each.module == _MECHANISM:
                self._functions |= {name.asname or name.name: name.name for name in each.names}
            elif isinstance(each, ast.ImportFrom) and each.module in ("warnings", "typing_extensions"):
                if "deprecated" in {name.name for name in each.names}:
                    self._fault(each, f"deprecated of {each.module} past the register: use rekall.deprecation")
            elif isinstance(each, ast.ImportFrom) and each.module == "rekall":
                self._modules |= {name.asname or name.name for name in each.names if name.name == "deprecation"}
            elif isinstance(each, ast.Import):
                self._modules |= {name.asname for name in each.names if name.name == _MECHANISM and name.asname}
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:  # the name that NodeVisitor looks for
        self._decorated(node, "class")

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:  # as above
        names = {_name(decorator) for decorator in node.decorator_list}
        member = "attribute" if names & {"property", "cached_property"} else "method"
        self._decorated(node, member if self._in_class[-1] else "function")

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815  # as above

    def visit_Call(self, node: ast.Call) -> None:  # as above
        called = self._called(node)
        if called in ("warn_deprecated", "deprecated"):  # as a decorator it is visited with what it decorates
            self._literal(node, _ANY)
        elif called == "row_of" and len(node.args) == 1:
            self._literal(node, ("interface",))
        elif called == "moved_module":
            self._warned(self._module, ("module",), node)
        elif called == "moved_names":
            self._moved(node)
        elif _name(node.func) in ("warn", "warn_explicit"):
            given = {_name(each) for each in ast.walk(node)}
            for category in sorted(given & _PAST_THE_REGISTER):
                self._fault(node, f"{category} past the register: use rekall.deprecation")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:  # as above
        self._table([_name(target) for target in node.targets], node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:  # as above
        self._table([_name(node.target)], node.value)
        self.generic_visit(node)

    def _decorated(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, kind: str) -> None:
        """Visit what a class or function holds; a decorator of ours says what it is."""
        ours = [
            each for each in node.decorator_list if isinstance(each, ast.Call) and self._called(each) == "deprecated"
        ]
        for decorator in ours:
            self._literal(decorator, (kind,))
        self._in_class.append(isinstance(node, ast.ClassDef))
        for child in ast.iter_child_nodes(node):
            if child not in ours:
                self.visit(child)
        self._in_class.pop()

    def _called(self, node: ast.Call) -> str | None:
        """The function of `rekall.deprecation` that a call is one of."""
        if isinstance(node.func, ast.Name):
            return self._functions.get(node.func.id)
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in self._modules:
            return node.func.attr
        return None

    def _literal(self, node: ast.Call, kinds: tuple[str, ...]) -> None:
        name = node.args[0] if node.args else None
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            self._warned(name.value, kinds, node)
        else:
            self._fault(node, "the name of what is deprecated must be a literal text, so that it can be looked up")

    def _moved(self, node: ast.Call) -> None:
        moved = [row for row in self._rows.values() if row.name.rpartition(".")[0] == self._module and _has_moved(row)]
        if not moved:
            self._fault(node, f"no row of the register is about a name of {self._module}: delete the call")
        for row in moved:
            self._warned(row.name, ("function", "class", "attribute"), node)

    def _table(self, names: list[str], value: ast.expr | None) -> None:
        for kind in (TABLES[name] for name in names if name in TABLES):
            if not isinstance(value, ast.Dict):
                self._found.faults.append(f"{self._file}: the table of older names must be a literal dict")
                continue
            for key in value.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    self._warned(key.value, (kind,), key)
                else:
                    self._fault(key or value, "a name in the table of older names must be a literal text")

    def _mentioned(self, node: ast.AST) -> None:
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        for name in {_name(node), getattr(node, "name", ""), text} & self._targets:
            is_use = isinstance(getattr(node, "ctx", None), ast.Load)
            mention = Mention(self._module, f"{self._file}:{getattr(node, 'lineno', 1)}", is_use)
            self._found.mentions.setdefault(name, []).append(mention)

    def _warned(self, name: str, kinds: tuple[str, ...], node: ast.expr) -> None:
        self._found.warned.append(Warned(name, kinds, self._file, node.lineno))

    def _fault(self, node: ast.expr | ast.stmt, text: str) -> None:
        self._found.faults.append(f"{self._file}:{node.lineno}: {text}")


def _has_moved(row: Deprecation) -> bool:
    return row.kind != "module" and bool(row.target or row.value is not None)


def _name(node: ast.AST) -> str:
    """The last word of a name or an attribute; empty for what is neither."""
    return str(getattr(node, "id", getattr(node, "attr", "")))
