"""A review as a person sees it: the title, a moment to recall, the rest, one key for the rating."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from rekall.cli import output
from rekall.cli.keys import ENTER, single_keys
from rekall.cli.review_round import RATINGS, Round, ToReview
from rekall.cli.show import draw_text

if TYPE_CHECKING:
    from rich.console import Console

    from rekall.db import Database
    from rekall.models import StructuredContext

_DEFAULT = "3"
Answer = Literal["skip", "end"] | int


def go_over(base: Database, entries: Sequence[ToReview]) -> None:
    """Review entries one by one; q, Ctrl-C and Ctrl-D end it at any moment, and every rating given is kept."""
    dialog = _Dialog(base, Round(base, entries))
    try:
        with single_keys() as read_key:
            dialog.run(read_key)
    except (KeyboardInterrupt, EOFError):  # a way to end, as good as q
        pass
    dialog.draw_summary()


class _Dialog:
    """What is shown and asked in one round.

    Args:
        base: open.
        going: the entries and their ratings.
    """

    def __init__(self, base: Database, going: Round) -> None:
        self._console: Console = output.console()
        self._round = going
        ids = [one.entry.id for one in going.entries]
        self._contexts: dict[str, StructuredContext] = base.contexts.get_structured_contexts(ids)
        self._texts = base.get_contexts_for_verification(ids)

    def run(self, read_key: Callable[[], str]) -> None:
        """Go over the entries until they, or the person, are done."""
        for number, one in enumerate(self._round.entries, 1):
            self._draw_title(number, one)
            answer = self._ask(read_key, one)
            if answer == "end":
                return
            if answer == "skip":
                self._round.skip(one)
                self._say("Skipped.", "dim")
            else:
                self._rate(one, answer)

    def draw_summary(self) -> None:
        """Say what was done."""
        self._console.print()
        self._say(self._round.summary(), "bold")
        ids = output.short_ids(one.entry.id for one in self._round.rated)
        rows = [
            (output.plain(ids[one.entry.id], "cyan"), str(one.rating), str(one.next_review or "deleted"), one.entry)
            for one in self._round.rated
        ]
        self._console.print(output.grid([(*cells, output.plain(entry.title)) for *cells, entry in rows], indent=2))

    def _ask(self, read_key: Callable[[], str], one: ToReview) -> Answer:
        """First for a moment to recall, then for the rating."""
        self._say("Recall it; any key shows it (s skips, q ends)", "dim")
        key = read_key()
        if key in _WORDS:
            return _WORDS[key]
        draw_text(self._console, one.entry, self._contexts.get(one.entry.id), self._texts.get(one.entry.id))
        self._console.print()
        self._say("How well did you know it?")
        rows = [
            (f"{rating}", meaning, output.plain(_in_days(one.next_interval(rating)), "dim"))
            for rating, meaning in RATINGS.items()
        ]
        self._console.print(output.grid(rows, indent=2))
        while True:
            self._say(f"Press 1 to 5 (Enter is {_DEFAULT}), s to skip, q to end", "dim")
            key = read_key()
            if key in _WORDS:
                return _WORDS[key]
            if (rating := _DEFAULT if key and key in ENTER else key) in map(str, RATINGS):
                return int(rating)

    def _rate(self, one: ToReview, rating: int) -> None:
        rated = self._round.rate(one, rating)
        if rated.next_review is None:
            self._say("It was deleted meanwhile.", "yellow")
        else:
            self._say(f"{rating} {RATINGS[rating]}: next review {rated.next_review}", "green")

    def _draw_title(self, number: int, one: ToReview) -> None:
        entry = one.entry
        self._console.print()
        self._console.rule(f"{number} of {len(self._round.entries)}", style="dim", align="left")
        self._say(entry.title, "bold")
        parts = [entry.type, entry.project or "", ", ".join(entry.tags), _overdue(one)]
        self._say("  ".join(part for part in parts if part), "dim")

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(output.plain(text, style))


_WORDS: dict[str, Literal["skip", "end"]] = {"s": "skip", "S": "skip", "q": "end", "Q": "end"}


def _overdue(one: ToReview) -> str:
    if one.days_overdue is None:
        return "never reviewed"
    return f"{output.counted(one.days_overdue, 'day', 'days')} overdue" if one.days_overdue else "due today"


def _in_days(days: int) -> str:
    return "again tomorrow" if days == 1 else f"again in {days} days"
