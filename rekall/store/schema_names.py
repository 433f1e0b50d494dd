"""The schema under the names that Rekall 0.3 gave it; only deprecated names of `rekall.db` lead here."""

from rekall.store.derived import OBJECTS
from rekall.store.schema import FULL_TEXT, TABLES

EXPECTED_TABLES = {*TABLES, "entries_fts"} - {"saved_filters"}  # which 0.3 did not check
EXPECTED_ENTRY_COLUMNS = set(TABLES["entries"].columns)
SCHEMA_ENTRIES = TABLES["entries"].create("entries")
SCHEMA_TAGS = TABLES["tags"].create("tags")
SCHEMA_FTS5 = FULL_TEXT
TRIGGER_INSERT = OBJECTS["entries_ai"]
TRIGGER_DELETE = OBJECTS["entries_ad"]
TRIGGER_UPDATE = OBJECTS["entries_au"]
