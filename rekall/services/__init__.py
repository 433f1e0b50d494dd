"""The path under which Rekall 0.3 had what is now in `rekall.promotion`; each name still works, with a warning."""

from rekall.deprecation import moved_names

moved_names(__name__)
