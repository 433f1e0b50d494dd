"""Database back ends with one deliberate fault each, in their values and rows, and in what a write tells."""

from __future__ import annotations

import itertools
import re
import sqlite3
import unicodedata
from typing import Any, TypeVar

from rekall.errors import QueryError
from rekall.infra import Result
from rekall.infra.interfaces import Params, Row
from support.database_faults import Faults
from support.right_databases import Right

FAULTS = Faults()
T = TypeVar("T")

TYPES = "test_values_come_back_as_they_went"


class ChangesParameters(Right):
    """Changes each value on its way in."""

    def bound(self, params: Params) -> Params:
        if isinstance(params, dict):
            return {name: self.changed(value) for name, value in params.items()}
        return [self.changed(value) for value in params]

    def changed(self, value: Any) -> Any:
        return value


class ChangesValues(Right):
    """Changes each value on its way out."""

    def row(self, names: list[str], values: tuple[Any, ...]) -> Row:
        return super().row(names, tuple(self.changed(value) for value in values))

    def changed(self, value: Any) -> Any:
        return value


@FAULTS.caught_by(TYPES, "a text value from fetch_all is 'long long")
class CutsLongTexts(ChangesParameters):
    def changed(self, value: Any) -> Any:
        return value[:1000] if isinstance(value, str) else value


@FAULTS.caught_by(TYPES, "found: QueryError: a text of more than 4000 characters")
@FAULTS.caught_by("test_rekall_answers_any_query", "raised QueryError: a text of more than 4000 characters")
class RefusesLongTexts(ChangesParameters):
    def changed(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) > 4000:
            raise QueryError("a text of more than 4000 characters")
        return value


@FAULTS.caught_by(TYPES, "a text value from fetch_all is 'NUL ' instead of 'NUL \\x00 inside'")
class EndsTextsAtANul(ChangesValues):
    def changed(self, value: Any) -> Any:
        return value.partition("\0")[0] if isinstance(value, str) else value


@FAULTS.caught_by(TYPES, "a text value from fetch_all is 'é' instead of 'e\u0301'")
class NormalizesTexts(ChangesParameters):
    def changed(self, value: Any) -> Any:
        return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


@FAULTS.caught_by(TYPES, "a text value from fetch_all is None instead of ''")
class MakesNullOfEmptyTexts(ChangesParameters):
    def changed(self, value: Any) -> Any:
        return None if value == "" else value


@FAULTS.caught_by(TYPES, "a integer value from fetch_all is -2147483648 instead of 2147483648")
class HoldsNumbersIn32Bit(ChangesValues):
    def changed(self, value: Any) -> Any:
        return (value + 2**31) % 2**32 - 2**31 if isinstance(value, int) else value


@FAULTS.caught_by(TYPES, "a integer value from fetch_all is 9007199254740992 instead of 9007199254740993")
class CountsInFloats(ChangesValues):
    def changed(self, value: Any) -> Any:
        return int(float(value)) if isinstance(value, int) else value


@FAULTS.caught_by(TYPES, "a real value from fetch_all is 0 instead of 0.0")
class MakesWholeNumbersOfFloats(ChangesValues):
    def changed(self, value: Any) -> Any:
        return int(value) if isinstance(value, float) and value.is_integer() else value


@FAULTS.caught_by(TYPES, "a blob value from fetch_all is '' instead of b''")
class MakesTextsOfBytes(ChangesValues):
    def changed(self, value: Any) -> Any:
        return value.decode("latin-1") if isinstance(value, bytes) else value


@FAULTS.caught_by(TYPES, "a null value from fetch_all is '' instead of None")
class MakesEmptyTextsOfNull(ChangesValues):
    def changed(self, value: Any) -> Any:
        return "" if value is None else value


@FAULTS.caught_by(TYPES, "found: QueryError: ")
class WritesParametersIntoTheStatement(Right):
    """An injection: texts are put between quotes, and what is in them is not looked at."""

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        if isinstance(params, dict):
            for name, value in params.items():
                query = query.replace(f":{name}", f"'{value}'" if isinstance(value, str) else str(value))
            params = None
        return super().fetch_all(query, params)


@FAULTS.caught_by("test_parameters_are_given_by_position_or_by_name", "one of them used twice is [{'a': 2,")
class TakesNamedParametersInTheirOrder(Right):
    def bound(self, params: Params) -> Params:
        return dict(zip("ab", params.values(), strict=False)) if isinstance(params, dict) else params


@FAULTS.caught_by("test_parameters_are_given_by_position_or_by_name", "found: QueryError: too many SQL variables")
class TakesFewParameters(Right):
    def bound(self, params: Params) -> Params:
        if len(params) > 999:
            raise QueryError("too many SQL variables")
        return params


@FAULTS.caught_by("test_values_that_cannot_be_stored_are_refused", "execute raised nothing and gave ")
class StoresWhatComesNear(ChangesParameters):
    def changed(self, value: Any) -> Any:
        if isinstance(value, int):
            return max(-(2**63), min(value, 2**63 - 1))
        return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


@FAULTS.caught_by("test_rows_are_dicts", "the row of fetch_one is ('x', 7, 1, None) instead of {")
class GivesTuples(Right):
    def row(self, names: list[str], values: tuple[Any, ...]) -> Row:
        return values  # type: ignore[return-value]  # the fault


@FAULTS.caught_by("test_rows_are_dicts", "the row of fetch_one is {'N': None, 'a b': 1, 'id': 7")
class SortsColumns(Right):
    def row(self, names: list[str], values: tuple[Any, ...]) -> Row:
        return dict(sorted(super().row(names, values).items()))


@FAULTS.caught_by("test_no_row_is_told", "what fetch_one gave is {} instead of None")
class GivesAnEmptyRow(Right):
    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        return super().fetch_one(query, params) or {}


@FAULTS.caught_by("test_rows_come_in_order", "the row of fetch_one is {'id': 0, 'value': 0} instead of")
class GivesTheLastRow(Right):
    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        return next(iter(reversed(self.fetch_all(query, params))), None)


@FAULTS.caught_by("test_rows_come_in_order", "the order of fetch_all is [999, 998,")
class GivesOnePage(Right):
    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        return super().fetch_all(query, params)[:100]


@FAULTS.caught_by("test_rows_come_in_order", "is locked")
class LeavesQueriesOpen(Right):
    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        with self.lock, self.translated():
            self.cursor = self.required().execute(query, params or ())
            values = self.cursor.fetchone()
            names = [column[0] for column in self.cursor.description or ()]
            return None if values is None else self.row(names, values)


@FAULTS.caught_by("test_rekall_finds_by_words", "no order of ranks")
class GivesRowsInAnyOrder(Right):
    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        return super().fetch_all(query, params)[::-1]


# what a write tells


class Told(Right):
    """Tells something else of a write."""

    def run(self, connection: sqlite3.Connection, sql: str, params: Params) -> Result:
        return self.told(super().run(connection, sql, params), connection)

    def told(self, result: Result, connection: sqlite3.Connection) -> Result:
        return result


@FAULTS.caught_by("test_a_write_tells_what_it_changed", "rowcount of an UPDATE of no row is -1 instead of 0")
class TellsMinusOne(Told):
    def told(self, result: Result, connection: sqlite3.Connection) -> Result:
        return result._replace(rowcount=result.rowcount or -1)


@FAULTS.caught_by("test_a_write_tells_what_it_changed", "lastrowid of an INSERT with an id is (1, None)")
@FAULTS.caught_by("test_rekall_keeps_everything_else", "found: ")
class TellsNoRowId(Told):
    def told(self, result: Result, connection: sqlite3.Connection) -> Result:
        return Result(result.rowcount)


@FAULTS.caught_by("test_rows_of_triggers_do_not_count", "rowcount of an INSERT with a trigger is 3 instead of 1")
class CountsRowsOfTriggers(Right):
    def run(self, connection: sqlite3.Connection, sql: str, params: Params) -> Result:
        before = connection.total_changes
        result = super().run(connection, sql, params)
        return result._replace(rowcount=connection.total_changes - before)


@FAULTS.caught_by(
    "test_a_write_that_begins_with_with_counts", "rowcount of WITH ... UPDATE by execute is 0 instead of 2"
)
class CountsWhatTheDriverCounts(Right):
    def run(self, connection: sqlite3.Connection, sql: str, params: Params) -> Result:
        result = super().run(connection, sql, params)
        return Result(0, result.lastrowid) if sql.startswith("WITH") else result


@FAULTS.caught_by("test_parameters_are_given_by_position_or_by_name", "found: ")
class PutsNamesForQuestionMarks(Right):
    """Takes every question mark for a parameter, those in texts too."""

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        if isinstance(params, (list, tuple)) and params:
            numbers = itertools.count()
            query = re.sub(r"\?", lambda _: f":p{next(numbers)}", query)
            params = {f"p{number}": value for number, value in enumerate(params)}
        return super().fetch_all(query, params)


@FAULTS.caught_by("test_wrong_queries_are_query_errors", "a parameter too many raised nothing")
class TakesManyParameters(Right):
    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        if isinstance(params, (list, tuple)) and ":" not in query:
            params = params[: query.count("?")]
        return super().fetch_all(query, params)


@FAULTS.caught_by("test_rows_come_in_order", "the number of rows of a long answer is 10000 instead of 30000")
class GivesOneLargePage(Right):
    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        return super().fetch_all(query, params)[:10_000]


@FAULTS.caught_by("test_declared_types_change_nothing", "the row of fetch_one is {'a': datetime.date(2026, 1, 31)")
class KnowsDates(Right):
    def new_connection(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, detect_types=sqlite3.PARSE_DECLTYPES, check_same_thread=False)
