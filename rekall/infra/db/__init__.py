"""The path under which Rekall 0.3 had `Database` and two errors; each name still works, with a warning."""

from rekall.deprecation import moved_names

moved_names(__name__)
