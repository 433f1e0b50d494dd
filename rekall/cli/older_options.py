"""Older spellings of options: each works as the newer one does, is in no help, and whoever uses it is told so."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, TypeVar

from rekall.deprecation import RekallDeprecationWarning, Rows, row_of, warn_deprecated_at

OLDER_OPTIONS: Mapping[str, str] = {}
"""Deprecated options after their command, as `rekall search --old`, each with the option that took its place.

Each has a row in the register. The program's own options follow `rekall`.
"""

C = TypeVar("C", bound=type[Any])


def with_older_options(
    base: C, command: str, *, older: Mapping[str, str] = OLDER_OPTIONS, rows: Rows | None = None
) -> C:
    """The class for a Typer command that takes its older options too; `base` itself if the command has none.

    Args:
        base: Typer's class of the command or group.
        command: the words of the command, from `rekall` on.
        older: deprecated options after their command, and what took their place.
        rows: the register that has them; None: the one that ships.
    """
    spellings = {name: new for name, new in older.items() if name.rpartition(" ")[0] == command}
    if not spellings:
        return base
    return type(base.__name__, (_OlderOptions, base), {"older": spellings, "rows": rows})  # type: ignore[return-value]  # a subclass of base


class _OlderOptions:
    """What a command's class needs in front of it. The parser says by which spelling an option was given."""

    older: Mapping[str, str]
    rows: Rows | None

    def make_parser(self, ctx: Any) -> Any:
        """The parser of the command, which knows the older spellings too."""
        parser = super().make_parser(ctx)  # type: ignore[misc]  # of the command class behind this one
        for name, new in self.older.items():
            for option in self.get_params(ctx):  # type: ignore[attr-defined]  # of the command class behind this one
                option.add_to_parser(_Spelling(parser, name, new), ctx)
        return parser

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as ever; what was right is parsed again for how the options were spelt."""
        given = list(args)
        rest: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]  # of the command class behind this one
        if not ctx.resilient_parsing:  # which is how completion looks at what has been typed so far
            _, _, order = self.make_parser(ctx).parse_args(given)
            for name in dict.fromkeys(option.older_name for option in order if hasattr(option, "older_name")):
                _tell(name, self.rows)
        return rest


class _Spelling:
    """Stands for a parser to which an option adds itself: adds the older spelling of it, and nothing else."""

    def __init__(self, parser: Any, name: str, new: str) -> None:
        self._parser, self._name, self._new = parser, name, new

    def add_option(self, obj: Any, opts: list[str], **settings: Any) -> None:
        if self._new in opts:
            option = copy.copy(obj)  # in the order of what was given, it can be told from the newer one
            option.older_name = self._name
            self._parser.add_option(obj=option, opts=[self._name.rpartition(" ")[2]], **settings)

    def add_argument(self, **_settings: Any) -> None:
        """An argument has no spelling."""


def _tell(name: str, rows: Rows | None) -> None:
    from rekall.cli.output import tell

    row = row_of(name, rows)
    warn_deprecated_at(row, "<command line>", 1, "rekall.cli")
    tell(f"warning: {RekallDeprecationWarning(row)}")
