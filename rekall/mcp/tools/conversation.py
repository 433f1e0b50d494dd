"""The two steps in which rekall_add captures from a conversation: candidates are offered, then some are stored."""

from __future__ import annotations

import json
from typing import Any

from rekall import config
from rekall.conversation import CaptureError, ChangedFiles, changed_files, excerpt_of, read_candidates
from rekall.errors import InvalidValueError
from rekall.mcp.add_arguments import AddArguments, ContextArguments, completed_context, entry_of
from rekall.mcp.spec import Answer, OpenDatabase
from rekall.mcp.text import summary
from rekall.mcp.vectors import neighbours_of_new
from rekall.transcript.session_manager import SessionData, get_session_manager


def is_step(args: AddArguments) -> bool:
    """Whether the call is a step of a capture; a path or folder alone is none, clients send them along."""
    return bool(args.auto_capture_conversation or args.conversation_excerpt_indices or args.session_id)


def capture(open_database: OpenDatabase, args: AddArguments) -> Answer:
    """One step; a refusal is an answer that is an error, with 0.3's codes."""
    try:
        if args.conversation_excerpt_indices:
            return _store(open_database, args)
        if args.auto_capture_conversation:
            return _offer(args)
        raise CaptureError(
            "VALIDATION_ERROR",
            "no message is chosen",
            "give conversation_excerpt_indices with _session_id, or neither",
        )
    except CaptureError as error:
        return _answer(error.to_dict(), failed=True)
    except InvalidValueError as error:
        refused = CaptureError("VALIDATION_ERROR", str(error), "correct the value and call rekall_add again")
        return _answer(refused.to_dict(), failed=True)


def refusal_elsewhere(args: AddArguments) -> Answer | None:
    """The refusal of what needs files of the caller, None if nothing does."""
    if not (is_step(args) or args.auto_detect_files):
        return None
    refused = CaptureError(
        "VALIDATION_ERROR",
        "this server is not on your machine and reads no transcript or repository there",
        "give conversation_excerpt and files_modified in the context",
    )
    return _answer(refused.to_dict(), failed=True)


def _offer(args: AddArguments) -> Answer:
    """Step 1: check what is given, keep it, and offer the last messages."""
    if not args.transcript_path:
        raise CaptureError("VALIDATION_ERROR", "_transcript_path is missing", "give the path of the transcript")
    entry = entry_of(args)
    context = _given(args)
    if context:
        completed_context(ContextArguments.model_validate(context), entry)
    candidates = read_candidates(args.transcript_path, args.transcript_format, args.cwd)
    get_session_manager().create_session(
        candidates,
        args.type,
        args.title,
        context or None,
        args.tags,
        args.project,
        args.confidence,
        content=args.content,
        auto_detect_files=args.auto_detect_files,
        cwd=args.cwd,
    )
    return _answer(candidates.to_mcp_response())


def _store(open_database: OpenDatabase, args: AddArguments) -> Answer:
    """Step 2: store what both steps gave with the excerpt, in one batch; a failure keeps the session."""
    if not args.session_id:
        raise CaptureError("VALIDATION_ERROR", "_session_id is missing", "give the session_id that step 1 answered")
    with get_session_manager().claim(args.session_id) as session:
        if session is None:
            raise CaptureError(
                "SESSION_NOT_FOUND",
                "there is no such session: sessions last five minutes and one stored entry",
                "call rekall_add with auto_capture_conversation and _transcript_path again",
            )
        excerpt = excerpt_of(session.candidates, args.conversation_excerpt_indices or ())
        entry = entry_of(_with_first_step(args, session))
        context = completed_context(_context(args, session), entry)
        context.conversation_excerpt = excerpt
        files = ChangedFiles([])
        if (args.auto_detect_files or session.auto_detect_files) and not context.files_modified:
            files = changed_files(args.cwd or session.cwd)
            context.files_modified = files.files or None
        open_database().add(entry, context=context, context_text=summary(context))
    stored = _answer(
        {
            "status": "success",
            "entry_id": entry.id,
            "title": entry.title,
            "context_summary": {
                "conversation_captured": True,
                "exchanges_selected": len(set(args.conversation_excerpt_indices or ())),
                "files_detected": len(files.files),
                "files_note": files.note,
                "temporal_markers": {"time_of_day": context.time_of_day, "day_of_week": context.day_of_week},
                "extraction_method": context.extraction_method,
            },
        }
    )
    if not config.get_config().smart_embeddings_enabled:
        return stored
    neighbours = neighbours_of_new(open_database(), entry.id)
    return Answer("\n".join([stored.text, *neighbours.lines()]), {**stored.structured, **neighbours.data()})


def _with_first_step(args: AddArguments, session: SessionData) -> AddArguments:
    """The arguments, with those of the first step where they are absent or empty."""
    kept: dict[str, Any] = {
        "content": args.content or session.content,
        "tags": args.tags or session.tags,
        "project": args.project or session.project,
    }
    if "confidence" not in args.model_fields_set:
        kept["confidence"] = session.confidence
    return args.model_copy(update=kept)


def _context(args: AddArguments, session: SessionData) -> ContextArguments:
    """The context of both steps; what the second gives stands."""
    both = {**(session.context or {}), **_given(args)}
    if not both:
        raise CaptureError(
            "VALIDATION_ERROR", "the context is missing", 'give {"situation": "...", "solution": "..."} as context'
        )
    return ContextArguments.model_validate(both)


def _given(args: AddArguments) -> dict[str, Any]:
    """What this call gives of the context."""
    if isinstance(args.context, str) and args.context.strip():
        raise CaptureError(
            "VALIDATION_ERROR",
            "a text cannot hold the excerpt",
            'give {"situation": "...", "solution": "..."} as context',
        )
    return args.context.model_dump(exclude_none=True) if isinstance(args.context, ContextArguments) else {}


def _answer(data: dict[str, Any], *, failed: bool = False) -> Answer:
    return Answer(json.dumps(data, indent=2, ensure_ascii=False), data, failed)
