"""Ids, and the names of backups, for shell completion."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rekall.cli.opening import is_missing, open_backend, settings
from rekall.errors import AmbiguousIdError, RekallError

if TYPE_CHECKING:
    from rekall.store.session import Session

SHOWN = 20
"""Ids offered when nothing is typed yet."""


def entry_ids(ctx: Any, incomplete: str) -> list[tuple[str, str]]:
    """Ids that begin so, with their titles: at most five, or the newest ones when nothing is typed.

    Nothing is created or migrated, and a base that cannot be read offers nothing: an error would spoil the prompt.
    """
    from rekall.store.entries import Entries

    def offer(session: Session) -> list[tuple[str, str]]:
        entries = Entries(session)
        if not incomplete:
            return [(entry.id, entry.title) for entry in entries.list_all(limit=SHOWN)]
        try:
            found = entries.get_many([entries.resolve(incomplete)])
        except AmbiguousIdError as error:
            return list(error.candidates)
        return [(entry.id, entry.title) for entry in found.values()]

    return _from_base(ctx, offer)


def suggestion_ids(ctx: Any, incomplete: str) -> list[tuple[str, str]]:
    """The ids of pending suggestions that begin so, newest first, with their reasons; see `entry_ids`."""
    from rekall.store.suggestions import Suggestions

    def offer(session: Session) -> list[tuple[str, str]]:
        pending = Suggestions(session).get_suggestions("pending", limit=-1)
        meant = [one for one in pending if one.id.upper().startswith(incomplete.upper())]
        return [(one.id, one.reason or one.suggestion_type) for one in meant[:SHOWN]]

    return _from_base(ctx, offer)


def source_ids(ctx: Any, incomplete: str) -> list[tuple[str, str]]:
    """Ids of sources that begin so, with their domains; the best ones when nothing is typed; see `entry_ids`."""
    from rekall.store.sources.records import Sources

    def offer(session: Session) -> list[tuple[str, str]]:
        sources = Sources(session)
        found = sources.beginning_with(incomplete) if incomplete else sources.list_sources(limit=SHOWN)
        return [(one.id, one.domain) for one in found]

    return _from_base(ctx, offer)


def page_ids(ctx: Any, incomplete: str) -> list[tuple[str, str]]:
    """Ids of staged pages that begin so, with their addresses; the best ones when nothing is typed; see `entry_ids`."""
    from rekall.store.staging import Staging

    def offer(session: Session) -> list[tuple[str, str]]:
        pages = Staging(session)
        found = pages.beginning_with(incomplete) if incomplete else pages.get_staging_entries(limit=SHOWN)
        return [(one.id, one.url) for one in found]

    return _from_base(ctx, offer)


def backup_files(ctx: Any, incomplete: str) -> list[tuple[str, str]]:
    """The names of backups that begin so, newest first, with what they are; then files and folders of that name."""
    from pathlib import Path

    from rekall.backup import list_backups

    try:
        kept = list_backups(settings(ctx, quiet=True).db_path.parent / "backups")
    except (RekallError, OSError):
        kept = []
    offered = [(info.path.name, info.kind) for info in kept if info.path.name.startswith(incomplete)]
    folder, _, beginning = incomplete.rpartition("/")
    try:
        files = sorted(Path(f"{folder}/" if "/" in incomplete else ".").iterdir())
    except OSError:
        files = []
    for file in files:
        if file.name.startswith(beginning) and (file.suffix == ".db" or file.is_dir()) and incomplete:
            typed = f"{folder}/{file.name}" if "/" in incomplete else file.name
            offered.append((typed + "/" if file.is_dir() else typed, "folder" if file.is_dir() else "file"))
    return offered


def _from_base(ctx: Any, offer: Callable[[Session], list[tuple[str, str]]]) -> list[tuple[str, str]]:
    from rekall.store.opening import read_state
    from rekall.store.session import Session

    try:
        config = settings(ctx, quiet=True)
        if is_missing(config):
            return []
        with open_backend(config.db_path) as backend:
            return offer(Session(backend, config.db_path)) if read_state(backend).is_current else []
    except RekallError:
        return []
