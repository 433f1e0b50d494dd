"""`edit`: changing an entry, by options or as a text in an editor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall import capture
from rekall.cli import output, stdin
from rekall.cli.opening import open_at, settings
from rekall.cli.options import EntryId, JsonOutput, complete_memory_type, complete_type
from rekall.errors import EntryNotFoundError, InvalidValueError

if TYPE_CHECKING:
    from rekall.db import Database
    from rekall.models import Entry

STATUSES = ("active", "obsolete")


def complete_status(incomplete: str) -> list[str]:
    """The statuses that begin so."""
    return [status for status in STATUSES if status.startswith(incomplete)]


def edit(
    ctx: typer.Context,
    entry_id: EntryId,
    title: Annotated[str | None, typer.Option("--title", help="The new title.")] = None,
    content: Annotated[str | None, typer.Option("--content", help="The new text; - reads it from stdin.")] = None,
    entry_type: Annotated[
        str | None, typer.Option("--type", help="The new type.", autocompletion=complete_type)
    ] = None,
    tags: Annotated[str | None, typer.Option("--tags", "-t", help="All tags, with commas; '' for none.")] = None,
    add_tag: Annotated[list[str] | None, typer.Option("--add-tag", help="One more tag; may be repeated.")] = None,
    remove_tag: Annotated[
        list[str] | None, typer.Option("--remove-tag", help="A tag to drop; may be repeated.")
    ] = None,
    project: Annotated[str | None, typer.Option("--project", "-p", help="The new project; '' for none.")] = None,
    confidence: Annotated[
        int | None, typer.Option("--confidence", "-c", min=0, max=5, help="How sure you are, 0 to 5.")
    ] = None,
    memory_type: Annotated[
        str | None,
        typer.Option("--memory-type", "-m", help="episodic or semantic.", autocompletion=complete_memory_type),
    ] = None,
    status: Annotated[
        str | None, typer.Option("--status", help="active or obsolete.", autocompletion=complete_status)
    ] = None,
    json_output: JsonOutput = False,
) -> None:
    """Change an entry, by options or in an editor.

    Without options, in a terminal, $VISUAL or $EDITOR opens it as a text. Only what differs is written.
    """
    given = {
        "title": title,
        "content": content,
        "type": entry_type,
        "project": project,
        "confidence": confidence,
        "memory_type": memory_type,
        "status": status,
    }
    wanted = {column: value for column, value in given.items() if value is not None}
    in_editor = not wanted and tags is None and not add_tag and not remove_tag
    if in_editor and not output.is_interactive():
        ctx.fail("nothing to change: give an option such as --title, or run it in a terminal to open an editor")
    config = settings(ctx)
    if content == "-":
        wanted["content"] = stdin.read_content()
    wanted = {column: _checked(column, value) for column, value in wanted.items()}
    with open_at(config) as base:
        entry = _entry(base, base.entries.resolve(entry_id))
        if in_editor:
            from rekall.cli.editor import edit_text

            text = edit_text(_as_text(entry), config.editor, suffix=f"-{entry.id}.md")
            with text.kept_on_error():
                changed = _store(base, entry, *_from_text(text.content, entry))
        else:
            changed = _store(base, entry, wanted, _new_tags(entry, tags, add_tag or [], remove_tag or []))
        if json_output:
            from rekall.records import entry_record

            output.write_json(entry_record(_entry(base, entry.id)) | {"changed": changed})
        elif changed:
            output.write(f"Changed {entry.id}: {', '.join(changed)}")
        else:
            output.write(f"Nothing to change in {entry.id}: it says so already.")
        if changed and (problem := capture.store_vectors(base, [entry.id])):
            output.tell(f"warning: {problem}")


def _entry(base: Database, entry_id: str) -> Entry:
    entry = base.entries.get(entry_id, update_access=False)
    if entry is None:
        raise EntryNotFoundError(entry_id)
    return entry


def _checked(column: str, value: Any) -> Any:
    checks = {
        "title": capture.check_title,
        "content": capture.check_content,
        "type": capture.check_type,
        "project": capture.check_project,
        "memory_type": capture.check_memory_type,
        "status": _check_status,
        "confidence": _check_confidence,
    }
    return checks[column](value)


def _check_status(status: str) -> str:
    if status not in STATUSES:
        raise InvalidValueError(f"unknown status '{status}': use one of {', '.join(STATUSES)}")
    return status


def _check_confidence(confidence: int | str) -> int:
    try:
        number = int(confidence)
    except ValueError as error:
        raise InvalidValueError(f"confidence '{confidence}' is not a number: give 0 to 5") from error
    if not 0 <= number <= 5:
        raise InvalidValueError(f"confidence {number} is out of range: give 0 to 5")
    return number


def _new_tags(entry: Entry, tags: str | None, more: Sequence[str], less: Sequence[str]) -> list[str]:
    start = entry.tags if tags is None else tags.split(",")
    dropped = set(capture.clean_tags(less))
    return [tag for tag in capture.clean_tags([*start, *more]) if tag not in dropped]


def _store(base: Database, entry: Entry, wanted: dict[str, Any], tags: list[str]) -> list[str]:
    """Write what differs from the entry; returns the names of what changed."""
    changes = {column: value for column, value in wanted.items() if value != getattr(entry, column)}
    if changes.get("status") == "active" and entry.superseded_by is not None:
        changes["superseded_by"] = None
    retagged = sorted(tags) != sorted(entry.tags)
    if changes or retagged:
        base.entries.change(entry.id, changes, tags=tags if retagged else None)
    return [*changes, *(["tags"] if retagged else [])]


_HEADER_END = "---"
_FIELDS = ("title", "type", "project", "tags", "confidence", "memory_type", "status")


def _as_text(entry: Entry) -> str:
    """The entry as a person edits it: a field on each line, a rule, the content."""
    values = {name: getattr(entry, name) for name in _FIELDS}
    values |= {"title": output.one_line(entry.title), "tags": ", ".join(entry.tags), "project": entry.project or ""}
    header = "".join(f"{name}: {value}".rstrip() + "\n" for name, value in values.items())
    return f"{header}{_HEADER_END}\n{entry.content}\n"


def _from_text(text: str, entry: Entry) -> tuple[dict[str, Any], list[str]]:
    """The values and tags in an edited text.

    Raises:
        InvalidValueError: a line that is no field, or a value that is not accepted.
    """
    header, rule, content = text.partition(f"\n{_HEADER_END}\n")
    if not rule:
        raise InvalidValueError(f"the line {_HEADER_END} between the fields and the content is gone")
    values: dict[str, Any] = {"content": content.removesuffix("\n")}
    for line in filter(None, map(str.strip, header.splitlines())):
        name, colon, value = line.partition(":")
        if not colon or name not in _FIELDS:
            raise InvalidValueError(f"'{line[:40]}' is no field: use {', '.join(_FIELDS)}")
        values[name] = value.strip()
    tags = capture.clean_tags(values.pop("tags", ", ".join(entry.tags)).split(","))
    if values.get("title") == output.one_line(entry.title):
        del values["title"]  # shown on one line, it need not be what is stored
    return {name: _checked(name, value) for name, value in values.items()}, tags
