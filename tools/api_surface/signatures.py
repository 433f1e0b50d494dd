"""Callables as text: the parameters as they stand in the source, the same under every Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from griffe import Expr, Function, Parameter, ParameterKind

POSITIONAL, EITHER = ParameterKind("positional-only"), ParameterKind("positional or keyword")
KEYWORD, STAR, STARS = (
    ParameterKind("keyword-only"),
    ParameterKind("variadic positional"),
    ParameterKind("variadic keyword"),
)


def kind_of(function: Function, *, method: bool) -> str:
    """What the line of a function says that it is."""
    labels = {"abstractmethod": "abstract", "async": "async", "classmethod": "class", "staticmethod": "static"}
    words = [word for label, word in labels.items() if label in function.labels]
    return " ".join([*words, "method" if method else "function"])


def signature(function: Function, *, method: bool) -> str:
    """Parameters and result, without the object or class that a method is called on."""
    parameters = list(function.parameters)
    if method and "staticmethod" not in function.labels:
        parameters = parameters[1:]
    returns = text_of(function.returns)
    return f"({', '.join(_parameters(parameters))})" + (f" -> {returns}" if returns else "")


def constructor(fields: Iterable[tuple[str, str, str]], *, keywords: bool) -> str:
    """The signature of a class that is made of its fields.

    Args:
        fields: name, annotation and default of each; no default when empty.
        keywords: whether they can be given by name only.
    """
    kind = KEYWORD if keywords else EITHER
    parameters = [Parameter(name, annotation=of, kind=kind, default=value or None) for name, of, value in fields]
    return f"({', '.join(_parameters(parameters))})"


def text_of(expression: str | Expr | None) -> str:
    """An annotation or a default; what a lambda makes is nobody's business."""
    text = "" if expression is None else str(expression)
    return "..." if "lambda" in text else text


def _parameters(parameters: Sequence[Parameter]) -> Iterable[str]:
    kinds = [parameter.kind for parameter in parameters]
    for index, parameter in enumerate(parameters):
        before = kinds[:index]
        if parameter.kind is KEYWORD and STAR not in before and KEYWORD not in before:
            yield "*"
        yield _parameter(parameter)
        if parameter.kind is POSITIONAL and kinds[index + 1 : index + 2] != [POSITIONAL]:
            yield "/"


def _parameter(parameter: Parameter) -> str:
    stars = {STAR: "*", STARS: "**"}.get(parameter.kind or EITHER, "")
    annotation = text_of(parameter.annotation)
    text = f"{stars}{parameter.name}" + (f": {annotation}" if annotation else "")
    if parameter.default is None or stars:
        return text
    return f"{text} = {text_of(parameter.default)}" if annotation else f"{text}={text_of(parameter.default)}"
