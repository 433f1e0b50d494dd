"""What a base was before an import overwrote some of it: an archive that brings all of it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path

from rekall.constants import DIR_PERMISSIONS
from rekall.errors import BackupError
from rekall.exchange.archive_writer import write_archive
from rekall.exchange.dump import Selection, dumped
from rekall.store import OpenBase, backups
from rekall.store.new_files import give_name, unfinished


def back_up_before_import(
    db: OpenBase, folder: Path | None = None, *, on_progress: Callable[[int, int], None] | None = None
) -> Path:
    """Write all that a base holds, embeddings too, to `pre-import-<time>.rekall.zip`. Nothing is overwritten.

    Args:
        folder: made when missing; `backups` beside the base if left out.
        on_progress: told how many records were written, and of how many.

    Returns:
        The archive, which only its owner may read.

    Raises:
        BackupError: the folder cannot be written, or has no room.
        DatabaseError: the base cannot be read.
    """
    folder = folder or backups.folder_of(db.store.session.path)
    try:
        folder.mkdir(mode=DIR_PERMISSIONS, parents=True, exist_ok=True)
        with unfinished(folder) as file, dumped(db, Selection(embeddings=True), on_progress) as dump:
            write_archive(dump.records(), file)
            return give_name(file, _names(folder))
    except OSError as error:
        raise BackupError(
            f"nothing was imported: the base cannot be backed up to {folder} ({error.strerror or error}):"
            " make room there, or import without a backup"
        ) from error


def _names(folder: Path) -> Iterator[Path]:
    stem = f"pre-import-{datetime.now():%Y%m%d-%H%M%S}"
    yield folder / f"{stem}.rekall.zip"
    for number in count(2):
        yield folder / f"{stem}-{number}.rekall.zip"
