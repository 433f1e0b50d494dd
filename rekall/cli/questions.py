"""What a person is asked: the context of an entry, and whether to go on. Questions go to stderr."""

from __future__ import annotations

from collections.abc import Callable

import typer

from rekall.capture import check_text
from rekall.context_extractor import extract_keywords
from rekall.errors import InvalidValueError
from rekall.models import MIN_CONTEXT_TEXT, Entry, StructuredContext

_SUGGESTED = 5


def ask_context(entry: Entry) -> StructuredContext:
    """The context of an entry, asked for part by part; an answer that is not accepted is asked for again."""
    suggested = ", ".join(extract_keywords(entry.title, entry.content, max_keywords=_SUGGESTED))
    return StructuredContext(
        situation=_ask("What was going on (situation)?", _long_enough),
        solution=_ask("What solved it (solution)?", _long_enough),
        what_failed=_ask("What was tried and failed (empty for nothing)?", _text, default="") or None,
        trigger_keywords=_words(
            _ask("Words that should bring it back (keywords)?", _keywords, default=suggested or None)
        ),
    )


def confirm(question: str) -> bool:
    """Ask yes or no; no when nothing is answered."""
    return typer.confirm(question, default=False, prompt_suffix=" ", err=True)


def _ask(question: str, check: Callable[[str], str], default: str | None = None) -> str:
    answer: str = typer.prompt(
        question, default=default, show_default=bool(default), value_proc=check, prompt_suffix=" ", err=True
    )
    return answer


def _text(answer: str) -> str:
    try:
        return check_text("answer", answer).strip()
    except InvalidValueError as error:
        raise typer.BadParameter(str(error)) from error


def _long_enough(answer: str) -> str:
    text = _text(answer)
    if len(text) < MIN_CONTEXT_TEXT:
        raise typer.BadParameter(f"give {MIN_CONTEXT_TEXT} characters or more")
    return text


def _keywords(answer: str) -> str:
    text = _text(answer)
    if not _words(text):
        raise typer.BadParameter("give one word or more, with commas between them")
    return text


def _words(text: str) -> list[str]:
    return [word for word in (part.strip() for part in text.split(",")) if word]
