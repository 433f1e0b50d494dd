"""A class and what it has: bases, constructor, methods, properties, fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from griffe import Alias, Attribute, Class, Expr, ExprCall, ExprKeyword, ExprName, ExprSubscript, Function, Object

from api_surface.lines import Line
from api_surface.signatures import constructor, kind_of, signature, text_of

_OWN_BUSINESS = {
    "__repr__",
    "__str__",
    "__reduce__",
    "__post_init__",
    "__getattr__",
    "__hash__",
    "__slots__",
    "__init_subclass__",
}
"""Special methods that nobody calls or overrides as part of the public surface."""
_BY_FIELDS = {"typing.NamedTuple": False, "pydantic.BaseModel": True}
"""Bases that make the constructor of the fields, and whether by keyword only."""
_ENUMS = {"enum.Enum", "enum.IntEnum", "enum.Flag"}


def class_lines(item: str, cls: Class, places: Mapping[str, str]) -> Iterator[Line]:
    """A class with its members, those of bases that are not public included.

    Args:
        item: where it is described.
        cls: the class.
        places: where a public thing is described, by the path at which it is defined.
    """
    bases = list(dict.fromkeys(_bases(cls, places)))
    frozen = any("frozen=True" in str(decorator.value) for decorator in cls.decorators)
    yield Line(item, "frozen class" if frozen else "class", f"of {', '.join(bases)}" if bases else "")
    members = _members(cls, places)
    roots = {base for each in _lineage(cls) for base in _written_bases(each)}
    by_fields = next((base for base in _BY_FIELDS if base in roots), None)
    defaults = _defaults(members) if "dataclass" in cls.labels else {}
    fields: list[tuple[str, str, str]] = []
    for name, member in members.items():
        path = f"{item}.{name}"
        if isinstance(member, Function) and name == "__init__" and _is_made_by_rekall(member, cls, places):
            continue
        if isinstance(member, Function):
            yield Line(path, kind_of(member, method=True), signature(member, method=True))
        elif isinstance(member, Attribute) and "property" in member.labels:
            yield _property(path, member)
        elif isinstance(member, Attribute):
            annotation, value = text_of(member.annotation), defaults.get(name, _default(member.value))
            if _ENUMS & roots:
                yield Line(path, "member", f"= {value}")
            elif name in defaults or (by_fields and annotation and "instance-attribute" in member.labels):
                fields.append((name, annotation, value))
                yield Line(path, "field", f"{annotation} = {value}" if value else annotation)
            else:
                yield Line(path, "attribute", annotation or _assigned(member, members.get("__init__")))
    if by_fields is not None and "__init__" not in members:
        yield Line(f"{item}.__init__", "method", constructor(fields, keywords=_BY_FIELDS[by_fields]))


def _bases(cls: Class, places: Mapping[str, str]) -> Iterator[str]:
    """The bases that a person may rely on: for one that is not public, its own."""
    for written in cls.bases:
        base = _class_of_rekall(written, cls)
        if base is None:
            yield _path(written)
        elif base.path in places:
            yield places[base.path]
        else:
            yield from _bases(base, places)


def _is_made_by_rekall(made: Function, cls: Class, places: Mapping[str, str]) -> bool:
    """Whether a constructor requires something of a class that is not public, so that nobody else calls it."""
    required = [each.annotation for each in made.parameters if each.default is None]
    names = [
        name for each in required if isinstance(each, Expr) for name in each.iterate() if isinstance(name, ExprName)
    ]
    classes = [_class_of_rekall(name, cls) for name in names]
    return any(each is not None and each.path not in places for each in classes)


def _class_of_rekall(base: str | Expr, cls: Class) -> Class | None:
    """The class that stands there as a base of `cls`; None for one from elsewhere."""
    try:
        found = cls.modules_collection.get_member(_path(base))
    except KeyError:
        return None
    final = found.final_target if found.is_alias else found
    return final if isinstance(final, Class) else None


def _written_bases(cls: Class) -> list[str]:
    return [_path(base) for base in cls.bases]


def _path(base: str | Expr) -> str:
    if isinstance(base, str):
        return base
    return (
        base.left.canonical_path
        if isinstance(base, ExprSubscript) and isinstance(base.left, Expr)
        else base.canonical_path
    )


def _lineage(cls: Class) -> list[Class]:
    return [cls, *cls.mro()]


def _members(cls: Class, places: Mapping[str, str]) -> dict[str, Object]:
    """Its own public members, and those that it has from classes which are not public."""
    told = {each.path for base in cls.mro() if base.path in places for each in _lineage(base)}
    found: dict[str, Object] = {}
    for each in _lineage(cls):
        if each.path in told:
            continue
        for name, member in each.members.items():
            if _is_public(name) and name not in found:
                found[name] = member.final_target if isinstance(member, Alias) else member
    return found


def _is_public(name: str) -> bool:
    if name.startswith("__") and name.endswith("__"):
        return name not in _OWN_BUSINESS
    return not name.startswith(("_", "test_"))  # pytest alone calls the checks of the conformance kit


def _property(item: str, member: Attribute) -> Line:
    words = [
        word for word, label in (("abstract", "abstractmethod"), ("settable", "writable")) if label in member.labels
    ]
    return Line(item, " ".join([*words, "property"]), text_of(member.annotation))


def _assigned(member: Attribute, made: Object | None) -> str:
    """The type of an attribute that is annotated where it comes from: a parameter, or the class of what it is."""
    value = text_of(member.value)
    parameters = made.parameters if isinstance(made, Function) else ()
    given = next((text_of(each.annotation) for each in parameters if each.name == value), "")
    if given:
        return given
    if isinstance(member.value, ExprCall) and str(member.value.function)[:1].isupper():
        return str(member.value.function)
    return "str" if value[:1] in ("'", '"') else ""


def _default(value: str | Expr | None) -> str:
    """The default of a field; of one that pydantic describes, what its description says."""
    if not (isinstance(value, ExprCall) and str(value.function) == "Field"):
        return text_of(value)
    said = {each.name: text_of(each.value) for each in value.arguments if isinstance(each, ExprKeyword)}
    factory = said.get("default_factory", "")
    return said.get("default", "") or (f"{factory}()" if factory else "")


def _defaults(members: Mapping[str, Object]) -> dict[str, str]:
    """The defaults of a dataclass, as its constructor has them; empty where there is none."""
    made = members.get("__init__")
    parameters = made.parameters if isinstance(made, Function) else ()
    return {parameter.name: text_of(parameter.default) for parameter in parameters}
