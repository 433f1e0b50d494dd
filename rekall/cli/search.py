"""`search` and `browse`: finding entries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.opening import open_at, open_base, settings
from rekall.cli.options import JsonOutput, MemoryTypeFilter, ProjectFilter, TypeFilter
from rekall.cli.search_output import write_answer, write_entries

if TYPE_CHECKING:
    from rekall.db import Database
    from rekall.finding import Answer, Question

_NOTHING_STORED = "Nothing is stored yet: 'rekall add TYPE TITLE' stores the first entry."


def search(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(help='Words, "a phrase", prefix*, A OR B, NOT C, title:word.')],
    entry_type: TypeFilter = None,
    project: ProjectFilter = None,
    memory_type: MemoryTypeFilter = None,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Hits at most; a negative number is no limit.")] = 20,
    exact: Annotated[bool, typer.Option("--exact", help="Only entries with every word, outside contexts.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say why each hit stands where it does.")] = False,
    json_output: JsonOutput = False,
    context: Annotated[
        str | None, typer.Option("--context", help="What you are working on (for a search by meaning).")
    ] = None,
    semantic_only: Annotated[bool, typer.Option("--semantic-only", help="By meaning alone (needs a model).")] = False,
) -> None:
    """Find entries by words, phrases and context.

    Of up to four words, entries with all of them come first, then others with some. A word that no entry holds is taken
    for a similar one. With smart_embeddings.enabled and vectors ('rekall embeddings') it finds by meaning too.
    """
    if exact and semantic_only:
        raise typer.BadParameter("give --exact or --semantic-only, not both")
    config = settings(ctx)
    from rekall.finding import Question, find

    question = Question(
        query, entry_type, project, memory_type, limit, exact, context, semantic_only, explain, project_at_hand()
    )
    with open_at(config) as base:
        answer = find(base, question)
        if answer.problem is not None:
            output.tell(answer.problem)
        if json_output:
            _write_json(question, answer)
        else:
            write_answer(query, answer, _why_nothing(question, answer))


def browse(
    ctx: typer.Context,
    entry_type: TypeFilter = None,
    project: ProjectFilter = None,
    memory_type: MemoryTypeFilter = None,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Entries at most; a negative number is no limit.")] = 20,
    obsolete: Annotated[bool, typer.Option("--obsolete", help="Obsolete entries too.")] = False,
    json_output: JsonOutput = False,
) -> None:
    """List entries, newest first."""
    with open_base(ctx) as base:
        entries = base.list_all(entry_type, project, memory_type, include_obsolete=obsolete, limit=limit)
        if not entries and not json_output:
            is_filtered = any((entry_type, project, memory_type))
            output.write(_why_empty(base, limit, is_filtered=is_filtered, obsolete=obsolete))
            return
    if json_output:
        from rekall.records import entry_record

        output.write_json({"results": [entry_record(entry) for entry in entries], "total_count": len(entries)})
    else:
        write_entries(entries)


def project_at_hand() -> str | None:
    """The name of the nearest directory from the current one upwards that git knows; None when there is none."""
    try:
        here = Path.cwd()
        return next((folder.name or None for folder in (here, *here.parents) if (folder / ".git").exists()), None)
    except OSError:  # it was removed, or may not be looked at
        return None


def _write_json(question: Question, answer: Answer) -> None:
    from rekall.records import answer_record, explanation_record, hit_record

    def explained(entry_id: str) -> dict[str, Any]:
        why = answer.explanations.get(entry_id)
        return {} if why is None else {"explanation": explanation_record(why)}

    output.write_json(
        {
            "query": question.query,
            "results": [hit_record(hit, answer.links) | explained(hit.entry.id) for hit in answer.hits],
            "total_count": len(answer.hits),
            "search_mode": answer.mode,
            "context_matches": {
                "project": question.project is not None,
                "type": question.entry_type,
                "memory_type": question.memory_type,
            },
            **answer_record(answer),
        }
    )


def _why_nothing(question: Question, answer: Answer) -> str:
    """Why a search found nothing, "" where it found something."""
    if answer.nothing is None:
        return ""
    flags = [
        flag for flag, value in zip(("--type", "--project", "--memory-type"), question.filters, strict=True) if value
    ]
    shown = f'"{output.one_line(question.query)}"'
    return {
        "limit_is_0": "No results: --limit is 0.",
        "nothing_stored": _NOTHING_STORED,
        "filtered_out": f"Only entries outside your filter match {shown}: leave out {' or '.join(flags)}.",
        "obsolete_only": f"Only obsolete entries match {shown}: 'rekall browse --obsolete' lists them.",
        "no_match": f"No entry matches {shown}.",
    }[answer.nothing.value]


def _why_empty(base: Database, limit: int, *, is_filtered: bool, obsolete: bool) -> str:
    if limit == 0:
        return "Nothing to list: --limit is 0."
    if base.entries.count(include_obsolete=True) == 0:
        return _NOTHING_STORED
    if is_filtered:
        return "No entry passes your filter."
    return "Nothing to list." if obsolete else "No entry is active: 'rekall browse --obsolete' lists the obsolete ones."
