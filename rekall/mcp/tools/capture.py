"""rekall_add: capturing an entry with the context that should bring it back."""

from __future__ import annotations

from rekall import config as configuration
from rekall.capture import check_text
from rekall.conversation import ChangedFiles, changed_files
from rekall.errors import InvalidValueError
from rekall.mcp.add_arguments import AddArguments, ContextArguments, completed_context, entry_of
from rekall.mcp.add_outputs import AddOutput
from rekall.mcp.spec import Answer, OpenDatabase, ToolSpec
from rekall.mcp.text import one_line, summary
from rekall.mcp.tools.conversation import capture, is_step, refusal_elsewhere
from rekall.mcp.vectors import neighbours_of_new


def add(open_database: OpenDatabase, args: AddArguments) -> Answer:
    """Store an entry and its context, all or nothing; or do one step of capturing it from a conversation."""
    if is_step(args):
        return capture(open_database, args)
    entry = entry_of(args)
    lines = [f"Entry added: {entry.id}", f"Type: {entry.type}", f"Title: {one_line(entry.title)}"]
    keywords: list[str] = []
    extracted, kind, files = False, "none", ChangedFiles([])
    if isinstance(args.context, ContextArguments):
        context = completed_context(args.context, entry)
        if args.auto_detect_files and not context.files_modified:
            files = changed_files(args.cwd)
            context.files_modified = files.files or None
        db = open_database()
        db.add(entry, context=context, context_text=summary(context))
        kind, keywords, extracted = "structured", context.trigger_keywords, context.extraction_method == "auto"
        if extracted:
            lines.append(f"Structured context stored, keywords extracted: {', '.join(keywords[:3])}")
        else:
            lines.append(f"Structured context stored, {len(keywords)} keyword{'' if len(keywords) == 1 else 's'}")
        if files.files:
            lines.append(f"Files from git: {len(files.files)}")
    elif args.auto_detect_files:
        raise InvalidValueError(
            'auto_detect_files needs a context that can hold them: give {"situation": "...", "solution": "..."} '
            "as context; nothing was stored"
        )
    elif args.context and args.context.strip():
        text = check_text("context", args.context)
        db = open_database()
        db.add(entry, context_text=text)
        kind = "text"
        lines.append("Context stored as text")
    else:
        lines += _without_context()
        db = open_database()
        db.add(entry)
    if files.note:
        lines.append(f"Files: {files.note}")
    neighbours = neighbours_of_new(db, entry.id)
    lines += neighbours.lines()
    structured = {
        "id": entry.id,
        "type": entry.type,
        "title": entry.title,
        "tags": sorted(entry.tags),
        "project": entry.project,
        "context": kind,
        "trigger_keywords": keywords,
        "keywords_extracted": extracted,
        "files_modified": files.files,
        "files_note": files.note,
        **neighbours.data(),
    }
    return Answer("\n".join(lines), structured)


def add_from_elsewhere(open_database: OpenDatabase, args: AddArguments) -> Answer:
    """As `add`, for a caller whose transcripts and repositories are not on this machine."""
    return refusal_elsewhere(args) or add(open_database, args)


def _without_context() -> list[str]:
    mode = configuration.get_config().smart_embeddings_context_mode
    if mode == "required":
        raise InvalidValueError(
            'a context is required: give {"situation": "...", "solution": "..."} or plain text as context '
            "(or set context_mode in config.toml); nothing was stored"
        )
    if mode == "recommended":
        return ["No context was given: with one the entry is easier to find again"]
    return []


ADD = ToolSpec(
    name="rekall_add",
    description="Capture what was learned: a fixed bug, a decision and its reasons, a pitfall, a pattern, a config, "
    "a reference. Call it when something was solved or decided that would cost time to find out again; "
    "search first, to avoid a duplicate.",
    arguments=AddArguments,
    output=AddOutput,
    handler=add,
    handler_elsewhere=add_from_elsewhere,
)
