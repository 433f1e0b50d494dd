"""MCP prompts: what a person picks in their client to have the assistant consult Rekall, or tell it something."""

from __future__ import annotations

from typing import Annotated

from fastmcp.exceptions import PromptError
from fastmcp.prompts import Prompt
from pydantic import Field

from rekall.mcp.failures import Told, answered_as
from rekall.mcp.spec import OpenDatabase
from rekall.mcp.text import one_line, snippet

_HITS = 5
_SEARCHED = 10_000
"""Characters of a problem that are searched for: of a whole log that was pasted, the beginning."""

_CONSULT = """\
Before you solve this, consult Rekall, my knowledge base of earlier bugs, decisions and pitfalls.

The problem: {problem}

{found}

Read what may fit with rekall_show, search again with the words of the error message if nothing does, and say which \
entry you rely on, or that there is none. Then solve the problem."""

_CAPTURE = """\
Keep in Rekall what we have just learned{about}, so that nobody has to find it out again.

1. Call rekall_search with its key words. If an entry says it already, tell me and stop.
2. Call rekall_add with a title that says the point, and its context: the situation, the solution, what failed before, \
and error messages in their own words. Choose the type: bug, pattern, decision, pitfall, config or reference.
3. Link it with rekall_link to what it builds on. Call rekall_deprecate for an entry that it makes untrue.
4. Tell me the id and the title."""


def prompts(open_database: OpenDatabase, told: Told = str) -> list[Prompt]:
    """The prompts that a server offers, on the base that `open_database` gives.

    Args:
        open_database: gives an open base.
        told: what the caller is told of an error; its text if left out.
    """

    def consult(problem: Annotated[str, Field(description="The error or task, in a few words")]) -> str:
        with answered_as(PromptError, "consult_before_fix", told):
            return _CONSULT.format(problem=problem, found=_first_hits(open_database, problem[:_SEARCHED]))

    def capture(topic: Annotated[str, Field(description="What was solved or decided; may be left out")] = "") -> str:
        return _CAPTURE.format(about=f" about {one_line(topic)}" if topic.strip() else "")

    return [
        Prompt.from_function(
            consult,
            name="consult_before_fix",
            description="Look a problem up in Rekall before solving it; the best hits come with the prompt.",
        ),
        Prompt.from_function(
            capture,
            name="capture_after_fix",
            description="Store what was just solved or decided in Rekall, with its context and links.",
        ),
    ]


def _first_hits(open_database: OpenDatabase, problem: str) -> str:
    """The best hits as a list; being shown here counts as no access."""
    hits = open_database().search(problem, limit=_HITS, update_access=False)
    if not hits:
        return "A search for these words finds nothing in it."
    lines = ["A search for these words finds:"]
    for hit in hits:
        lines.append(f"- [{hit.entry.id}] {hit.entry.type}: {one_line(hit.entry.title)}")
        if hit.entry.content:
            lines.append(f"  {snippet(hit.entry.content)}")
    return "\n".join(lines)
