"""`add`: a new entry, with its context."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rekall.capture import CONTEXT_EXAMPLE, context_from_json, new_entry, store_vectors
from rekall.cli import output, stdin
from rekall.cli.opening import open_at, settings
from rekall.cli.options import JsonOutput, complete_memory_type, complete_type
from rekall.errors import InvalidValueError

if TYPE_CHECKING:
    from rekall.config import Config
    from rekall.models import Entry, StructuredContext


def add(
    ctx: typer.Context,
    entry_type: Annotated[
        str,
        typer.Argument(
            help="bug, pattern, decision, pitfall, config or reference.",
            show_default=False,
            autocompletion=complete_type,
        ),
    ],
    title: Annotated[str, typer.Argument(help="One line that says it: 1 to 500 characters.", show_default=False)],
    tags: Annotated[str | None, typer.Option("--tags", "-t", help="Tags, with commas between them.")] = None,
    project: Annotated[str | None, typer.Option("--project", "-p", help="The project it belongs to.")] = None,
    confidence: Annotated[int, typer.Option("--confidence", "-c", min=0, max=5, help="How sure you are, 0 to 5.")] = 2,
    content: Annotated[
        str | None, typer.Option("--content", help="The text; read from stdin when it is piped in.")
    ] = None,
    memory_type: Annotated[
        str,
        typer.Option(
            "--memory-type",
            "-m",
            help="episodic (it happened) or semantic (it holds).",
            autocompletion=complete_memory_type,
        ),
    ] = "episodic",
    context: Annotated[str | None, typer.Option("--context", help="The context as free text.")] = None,
    context_json: Annotated[
        str | None, typer.Option("--context-json", "-cj", help=f"The context as JSON: {CONTEXT_EXAMPLE}.")
    ] = None,
    context_interactive: Annotated[
        bool, typer.Option("--context-interactive", "-ci", help="Ask for the context.")
    ] = False,
    json_output: JsonOutput = False,
) -> None:
    """Store a new entry.

    Nothing is stored unless all of it is accepted.
    """
    # the configuration and the context first: what is refused is refused before a person has typed anything
    config = settings(ctx)
    structured = None if context_json is None else context_from_json(context_json)
    if content is None and stdin.is_piped() and not context_interactive:
        content = stdin.read_content()
    entry = new_entry(
        entry_type,
        title,
        content=content or "",
        tags=(tags or "").split(","),
        project=project,
        confidence=confidence,
        memory_type=memory_type,
    )
    if structured is None:
        structured = _missing_context(config, entry, ask=context_interactive)
    with open_at(config) as base:
        base.add(entry, context=structured, context_text=context)
        # told before its vectors are computed, which an impatient person may interrupt
        _tell_of(entry, structured, json_output=json_output)
        if problem := store_vectors(base, [entry.id]):
            output.tell(f"warning: {problem}")


def _tell_of(entry: Entry, structured: StructuredContext | None, *, json_output: bool) -> None:
    if json_output:
        from rekall.records import context_record, entry_record

        output.write_json(entry_record(entry) | {"context": None if structured is None else context_record(structured)})
        return
    output.write(f"Added {entry.id} {entry.type}: {output.one_line(entry.title)}")
    for label, value in (
        ("tags", ", ".join(entry.tags)),
        ("project", entry.project),
        ("context", "" if structured is None else output.counted(len(structured.trigger_keywords), "keyword")),
    ):
        if value:
            output.write(f"  {label}: {output.one_line(value)}")


def _missing_context(config: Config, entry: Entry, *, ask: bool) -> StructuredContext | None:
    """The context of an entry that came without: asked for, left out, or its lack refused, as the mode says."""
    mode = config.smart_embeddings_context_mode
    if ask or (mode == "required" and output.is_interactive()):
        from rekall.cli.questions import ask_context

        return ask_context(entry)
    if mode == "required":
        raise InvalidValueError(
            f"an entry needs its context here: give --context-json '{CONTEXT_EXAMPLE}' or --context-interactive, or"
            f' set context_mode = "optional" under [smart_embeddings] in {config.config_dir / "config.toml"}'
        )
    if mode == "recommended":
        output.tell("warning: no context; with --context-json or --context-interactive it would be found more easily")
    return None
