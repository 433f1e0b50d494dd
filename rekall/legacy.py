"""Moving from the single directory `~/.rekall` of the first releases to the directories of today."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rekall.config_file import CONFIG_NAME
from rekall.constants import DIR_PERMISSIONS
from rekall.paths import DATABASE_NAME, PROJECT_DIRECTORY, PathResolver, home_directory, open_private

_MARKER_NAME = ".rekall-migrated"


@dataclass
class MigrationInfo:
    """What `~/.rekall` still holds that belongs in the directories of today.

    Args:
        legacy_path: the old directory.
        new_config_dir: where its config.toml goes.
        new_data_dir: where its database goes.
        has_db: whether there is a database.
        has_config: whether there is a config.toml.
    """

    legacy_path: Path
    new_config_dir: Path
    new_data_dir: Path
    has_db: bool
    has_config: bool
    migrated_marker: Path = field(init=False)

    def __post_init__(self) -> None:
        self.migrated_marker = self.legacy_path / _MARKER_NAME


def check_legacy_migration() -> MigrationInfo | None:
    """Look for a `~/.rekall` that was never copied to the user-level directories.

    Returns:
        What there is to copy; None when there is nothing, when it is done, or when a database is already in the new
        place.
    """
    legacy = home_directory() / PROJECT_DIRECTORY
    target = PathResolver._from_config() or PathResolver._from_xdg() or PathResolver._from_default()
    info = MigrationInfo(
        legacy_path=legacy,
        new_config_dir=target.config_dir,
        new_data_dir=target.data_dir,
        has_db=(legacy / DATABASE_NAME).exists(),
        has_config=(legacy / CONFIG_NAME).exists(),
    )
    if info.migrated_marker.exists() or target.db_path.exists() or not (info.has_db or info.has_config):
        return None
    return info


def perform_migration(info: MigrationInfo) -> bool:
    """Copy the old files to the new places; the originals stay, a marker is left beside them.

    A config.toml in the new place is kept. A database there is never replaced.

    Args:
        info: what `check_legacy_migration` found.

    Returns:
        False when anything failed; what had been copied is removed again.
    """
    # The write-ahead log holds what was not yet moved into the file; the database comes last, it makes the copy count.
    names = [DATABASE_NAME + "-wal", DATABASE_NAME] if info.has_db else []
    copies = [(info.legacy_path / name, info.new_data_dir / name) for name in names]
    if info.has_config and not (info.new_config_dir / CONFIG_NAME).exists():
        copies.append((info.legacy_path / CONFIG_NAME, info.new_config_dir / CONFIG_NAME))
    written: list[Path] = []
    try:
        for _, target in copies:
            if target.exists():
                raise FileExistsError(f"{target} is already there")
        for source, target in copies:
            if source.exists() or not source.name.endswith("-wal"):
                target.parent.mkdir(mode=DIR_PERMISSIONS, parents=True, exist_ok=True)
                written.append(target)
                _copy_private(source, target)
        info.migrated_marker.write_text(
            f"Copied to {info.new_config_dir} and {info.new_data_dir}; these originals are no longer used.\n",
            encoding="utf-8",
        )
    except OSError as exc:
        import logging

        for target in written:
            target.unlink(missing_ok=True)
        logging.getLogger(__name__).warning("the files of %s were not copied: %s", info.legacy_path, exc)
        return False
    return True


def _copy_private(source: Path, target: Path) -> None:
    import shutil

    with source.open("rb") as original, open(target, "xb", opener=open_private) as copy:
        shutil.copyfileobj(original, copy)
