"""The path under which Rekall 0.3 had the number of the current schema; it still works, with a warning."""

from rekall.deprecation import moved_names

moved_names(__name__)
