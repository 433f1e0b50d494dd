"""Limits that several parts share; the names are those of Rekall 0.3."""

from rekall.deprecation import moved_names

MAX_TITLE_LENGTH = 500
MAX_CONTENT_LENGTH = 1_000_000
MAX_TAGS_COUNT = 50
MAX_TAG_LENGTH = 100
MAX_PROJECT_LENGTH = 100

FILE_PERMISSIONS = 0o600
DIR_PERMISSIONS = 0o700

moved_names(__name__)
