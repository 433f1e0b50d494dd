"""What a tool is, apart from the protocol: a name, arguments, an output, hints for the client, and a handler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from rekall.db import Database

OpenDatabase = Callable[[], Database]
"""Gives an open base. Whoever provides it closes the base; tools never do."""


class Arguments(BaseModel):
    """The arguments of a tool. Unknown ones are ignored, as in Rekall 0.3."""

    model_config = ConfigDict(extra="ignore")


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True)
class Answer:
    """What a tool says: text in the shape that Rekall 0.3 gave it, and the same as data; `failed`: as an error."""

    text: str
    structured: dict[str, Any]
    failed: bool = False


@dataclass(frozen=True)
class ToolSpec(Generic[A]):
    """One tool.

    Args:
        name: begins with `rekall_`.
        description: for the assistant that chooses a tool: when to use it, in few words.
        arguments: validates the arguments, and gives the input schema.
        output: describes `Answer.structured`, and gives the output schema.
        handler: does the work. It opens the base itself, so that what needs none is answered without one.
        read_only: the client may call it without asking the user.
        destructive: it can lose something.
        idempotent: calling it again with the same arguments changes nothing more.
        open_world: it asks others over the network, and not the knowledge base alone.
        handler_elsewhere: takes the place of the handler where the caller is on another machine, whose files are not
            here; left out where that makes no difference.
    """

    name: str
    description: str
    arguments: type[A]
    output: type[BaseModel]
    handler: Callable[[OpenDatabase, A], Answer]
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    open_world: bool = False
    handler_elsewhere: Callable[[OpenDatabase, A], Answer] | None = None

    def input_schema(self) -> dict[str, Any]:
        """The JSON schema of the arguments; an optional argument is left out: null is not advertised."""
        return _compact_schema(self.arguments.model_json_schema(), nullable=False)

    def output_schema(self) -> dict[str, Any]:
        """The JSON schema of the structured content."""
        return _compact_schema(self.output.model_json_schema(mode="serialization"), nullable=True)


_EXPLAINED = 5


def explain(error: ValidationError) -> str:
    """One line that names the first wrong arguments and the rules that they break, and never echoes a value."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    explained = [f"{_place(problem['loc'])}: {_rule(problem)}" for problem in problems[:_EXPLAINED]]
    if len(problems) > _EXPLAINED:
        explained.append(f"and {len(problems) - _EXPLAINED} more")
    return "invalid arguments: " + "; ".join(explained)


TEXT_TAG, OBJECT_TAG = "<text>", "<object>"
"""Tags of the branches of an argument that takes a text or an object; they are no part of its name."""


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location if part not in (TEXT_TAG, OBJECT_TAG))


def _rule(problem: Mapping[str, Any]) -> str:
    return "Input should be an object" if problem["type"] == "model_type" else str(problem["msg"])


def _compact_schema(schema: Mapping[str, Any], *, nullable: bool) -> dict[str, Any]:
    """The schema without what only costs an assistant's attention: generated titles, references, class docstrings."""
    definitions: Mapping[str, Any] = schema.get("$defs", {})

    def compact(node: Mapping[str, Any]) -> dict[str, Any]:
        if "$ref" in node:
            node = {**definitions[node["$ref"].rpartition("/")[2]], **node}
        made: dict[str, Any] = {}
        for key, value in node.items():
            if key == "properties":
                made[key] = {name: compact(inner) for name, inner in value.items()}
            elif key in ("anyOf", "oneOf"):
                branches = [compact(inner) for inner in value if nullable or inner != {"type": "null"}]
                made |= branches[0] if len(branches) == 1 else {"anyOf": branches}
            elif key in ("items", "additionalProperties") and isinstance(value, dict):
                made[key] = compact(value)
            elif key == "default" and value is None and not nullable:
                continue
            elif key not in ("title", "$defs", "$ref", "discriminator"):
                made[key] = value
        if "properties" in made:
            made.pop("description", None)
        return made

    return compact(schema)
