"""Caches with one deliberate fault each, in what they clear, share, let expire, keep open, and in how they fail."""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

from rekall.errors import CacheError, CacheUnavailableError, InvalidValueError
from rekall.infra import DefaultCacheBackend
from support.cache_faults import Faults
from support.right_caches import RightInFile, RightInFolder, RightInProcess

FAULTS = Faults()


@FAULTS.caught_by("test_clearing_empties", "the keys left is ['for ever'] instead of []")
class ClearsWhatExpires(RightInProcess):
    def clear(self) -> None:
        self.kept = {key: kept for key, kept in self.kept.items() if kept[1] == math.inf}


@FAULTS.caught_by("test_clearing_empties", "found: KeyError: 'popitem(): dictionary is empty'")
class CannotClearAnEmptyOne(RightInProcess):
    def clear(self) -> None:
        self.kept.popitem()
        self.kept.clear()


@FAULTS.caught_by("test_clearing_leaves_the_keys_of_others", "the other cache holds is [None, None, None] instead of")
class ClearsEverybody(RightInProcess):
    everybody: ClassVar[dict[str, tuple[Any, float]]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.kept = self.everybody

    def place(self, key: str) -> str:
        return f"{id(self)}:{key}"


@FAULTS.caught_by("test_clearing_leaves_the_keys_of_others", "beside another cache is ['theirs', 'theirs',")
class MixesKeysOfAll(RightInProcess):
    everybody: ClassVar[dict[str, tuple[Any, float]]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.kept = self.everybody


@FAULTS.caught_by("test_a_shared_storage_is_shared", "what the other got is None instead of {'by': 'one'}", "shared")
class SharesNothing(RightInProcess):
    pass


@FAULTS.caught_by("test_a_shared_storage_is_shared", "what the one got is {'by': 'one'} instead of b'other'", "shared")
class RemembersWhatItSet(RightInFile):
    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.remembered: dict[str, Any] = {}

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        super().set(key, value, ttl)
        self.remembered[key] = value

    def get(self, key: str, default: Any = None) -> Any:
        return self.remembered[key] if key in self.remembered else super().get(key, default)


@FAULTS.caught_by("test_a_shared_storage_is_shared", "other after the one was cleared is True instead", "shared")
class ClearsWhatItSetItself(RightInFile):
    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.mine: set[str] = set()

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        super().set(key, value, ttl)
        self.mine.add(key)

    def delete(self, key: str) -> bool:
        self.mine.discard(key)
        return super().delete(key)

    def clear(self) -> None:
        while self.mine:
            self.delete(self.mine.pop())


@FAULTS.caught_by("test_nobody_sees_half_a_value", "found: get gave ", "shared")
class WritesInPlace(RightInFolder):
    def write(self, file: Path, text: str) -> None:
        with file.open("w", encoding="ascii") as new:
            new.write(text[: len(text) // 2])
            new.flush()
            time.sleep(0.001)
            new.write(text[len(text) // 2 :])


@FAULTS.caught_by("test_nobody_sees_half_a_value", "found: get gave ", "shared")
class KeepsAValueInTwoFiles(RightInFolder):
    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        super().set(key, value[: len(value) // 2] if isinstance(value, (str, bytes)) else value, ttl)
        time.sleep(0.001)
        super().set(f"{key} goes on", value[len(value) // 2 :] if isinstance(value, (str, bytes)) else None, ttl)

    def get(self, key: str, default: Any = None) -> Any:
        first, second = super().get(key, default), super().get(f"{key} goes on")
        return first + second if type(first) is type(second) and isinstance(first, (str, bytes)) else first


@FAULTS.caught_by("test_nobody_sees_half_a_value", "found: CacheUnavailableError: ", "shared")
class WritesBesideUnderOneName(RightInFolder):
    def write(self, file: Path, text: str) -> None:
        beside = file.with_suffix(".part")
        try:
            beside.write_text(text, encoding="ascii")
            time.sleep(0.001)
            beside.replace(file)
        except OSError as error:
            raise CacheUnavailableError(f"{self.folder}: {error}") from error


@FAULTS.caught_by(
    "test_the_files_of_others_stay", "that were there before, and are as they were, is ['folder/inside'] "
)
class ClearsTheFolder(RightInFolder):
    def own(self) -> list[Path]:
        return [file for file in self.folder.iterdir() if file.is_file()]


@FAULTS.caught_by("test_the_files_of_others_stay", "that were there before, and are as they were, is ['letter.txt', ")
class RemovesOldFiles(RightInFolder):
    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        super().set(key, value, ttl)
        for file in self.folder.glob("*.json"):
            if file.stat().st_mtime < time.time() - 3600:
                file.unlink()


@FAULTS.caught_by("test_no_lifetime_is_set_by_the_cache", "years after a set without lifetime is None instead of")
class ExpiresAfterTenMinutes(DefaultCacheBackend):
    interface_version = 1

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        super().set(key, value, 600 if ttl is None else ttl)


@FAULTS.caught_by("test_no_lifetime_is_set_by_the_cache", "after 59 of 60 days is None instead of 'long'")
class KeepsADayAtMost(DefaultCacheBackend):
    interface_version = 1

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        super().set(key, value, None if ttl is None else min(ttl, 86_400))


@FAULTS.caught_by("test_nothing_is_printed", "what was printed is 'a miss: missing\\n' instead of ''")
class Prints(RightInProcess):
    def get(self, key: str, default: Any = None) -> Any:
        found = super().get(key, default)
        if found is default:
            print(f"a miss: {key}")  # noqa: T201  # the fault
        return found


@FAULTS.caught_by("test_many_values_stay", "200 of 1200 keys without their value, ['key 0'] among them")
class HasRoomForAThousand(RightInProcess):
    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        super().set(key, value, ttl)
        while len(self.kept) > 1000:
            del self.kept[next(iter(self.kept))]


@FAULTS.caught_by("test_many_values_stay", "1199 of 1200 keys without their value, ['key 0'] among them", "bounded")
class GivesTheLastForAll(RightInProcess):
    def place(self, key: str) -> str:
        return "key" if key.startswith("key ") else key


@FAULTS.caught_by("test_a_value_goes_with_its_lifetime", "found: what get gave is 'short' instead of 'gone'")
class ForgetsLifetimes(RightInProcess):
    def end(self, ttl: float | None) -> float:
        return math.inf


@FAULTS.caught_by("test_a_value_goes_with_its_lifetime", "found: exists is True instead of False")
class TakesExpiredForExisting(RightInProcess):
    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, default) if super().exists(key) else default

    def exists(self, key: str) -> bool:
        return key in self.kept


@FAULTS.caught_by("test_a_value_goes_with_its_lifetime", "found: delete is True instead of False")
class DeletesTheExpired(RightInProcess):
    def delete(self, key: str) -> bool:
        return self.kept.pop(key, None) is not None


@FAULTS.caught_by("test_a_value_goes_with_its_lifetime", "the key 'months' is None instead of 'long'")
class TakesLongLifetimesForDates(RightInProcess):
    def end(self, ttl: float | None) -> float:
        return ttl - time.time() if ttl is not None and ttl > 30 * 86_400 else super().end(ttl)


@FAULTS.caught_by("test_a_lifetime_of_nothing_removes_the_key", "after a lifetime of 0 is 'after' instead of 'gone'")
class TakesNothingForEver(RightInProcess):
    def end(self, ttl: float | None) -> float:
        return super().end(ttl or None)


@FAULTS.caught_by("test_a_lifetime_of_nothing_removes_the_key", "after a lifetime of 0 is 'before' instead of 'gone'")
class KeepsWhatWasThere(RightInProcess):
    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        if ttl is None or ttl > 0:
            super().set(key, value, ttl)


@FAULTS.caught_by("test_writing_again_gives_a_new_lifetime", "after a second, longer lifetime is None instead of 2")
class KeepsTheFirstLifetime(RightInProcess):
    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        _, end = self.kept.get(key, (None, None))
        super().set(key, value, ttl)
        if end is not None:
            self.kept[key] = self.kept[key][0], end


@FAULTS.caught_by("test_writing_again_gives_a_new_lifetime", "after a second, shorter lifetime is 2 instead of 'gone'")
class KeepsTheLongerLifetime(RightInProcess):
    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        _, end = self.kept.get(key, (None, 0))
        super().set(key, value, ttl)
        self.kept[key] = self.kept[key][0], max(end, self.kept[key][1])


@FAULTS.caught_by("test_a_lifetime_has_fractions_of_a_second", "within a lifetime of 0.2 seconds is False instead")
class CutsFractions(RightInProcess):
    def end(self, ttl: float | None) -> float:
        return super().end(None if ttl is None else int(ttl))


@FAULTS.caught_by("test_a_lifetime_has_fractions_of_a_second", "after a lifetime of 0.2 began is True instead of False")
class CountsWholeSeconds(RightInProcess):
    def end(self, ttl: float | None) -> float:
        return super().end(None if ttl is None else math.ceil(ttl))


@FAULTS.caught_by("test_eight_threads_at_once", "found: ProgrammingError: SQLite objects created in a thread")
class LivesInOneThread(RightInFile):
    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.only = super().connection()

    def run(self, sql: str, *values: Any) -> list[Any]:
        self.only.execute("CREATE TABLE IF NOT EXISTS kept (key PRIMARY KEY, value, end) WITHOUT ROWID")
        return self.only.execute(sql, values).fetchall()


@FAULTS.caught_by("test_eight_threads_at_once", "found: get gave ")
class MixesThreads(RightInProcess):
    wanted = ""

    def get(self, key: str, default: Any = None) -> Any:
        self.wanted = key
        time.sleep(0.001)
        return super().get(self.wanted, default)


@FAULTS.caught_by("test_nothing_is_left_open", "more open files or connections after 704 calls")
class ClosesNothing(RightInFile):
    opened: ClassVar[list[sqlite3.Connection]] = []

    def get(self, key: str, default: Any = None) -> Any:
        self.opened.append(self.connection())
        return super().get(key, default)


@FAULTS.caught_by("test_nothing_is_left_open", "more threads")
class StartsAThreadForEachValue(RightInProcess):
    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        super().set(key, value, ttl)
        threading.Thread(target=threading.Event().wait, daemon=True).start()


@FAULTS.caught_by("test_no_thread_keeps_the_program_alive", "found: the thread sweeper is not")
class KeepsTheProgramAlive(RightInProcess):
    def __init__(self) -> None:
        super().__init__()
        threading.Thread(target=threading.main_thread().join, name="sweeper", daemon=False).start()


class BusyWithTheValueError(InvalidValueError, CacheUnavailableError):
    """A refusal that says: try again."""


@FAULTS.caught_by("test_a_refusal_is_not_tried_again", "is (['set', 'set', 'set'], [0.05, 0.1]) instead of")
class TakesARefusalForABusyService(RightInProcess):
    def encoded(self, value: Any) -> Any:
        try:
            return super().encoded(value)
        except InvalidValueError as error:
            raise BusyWithTheValueError(str(error)) from error


@FAULTS.caught_by("test_an_unreachable_storage_is_an_error", "found: get gave None")
class TakesAnErrorForAMiss(RightInFile):
    def get(self, key: str, default: Any = None) -> Any:
        try:
            return super().get(key, default)
        except CacheError:
            return default


@FAULTS.caught_by("test_an_unreachable_storage_is_an_error", "found: OperationalError: unable to open database file")
class LetsThroughTheErrorOfTheDriver(RightInFile):
    def run(self, sql: str, *values: Any) -> list[Any]:
        self.connection().close()
        return super().run(sql, *values)


@FAULTS.caught_by("test_an_unreachable_storage_is_an_error", "found: exists took 1.6 seconds instead of 1 at most")
class WaitsLong(RightInFile):
    def exists(self, key: str) -> bool:
        time.sleep(0 if self.file.is_file() else 1.6)
        return super().exists(key)


@FAULTS.caught_by("test_an_unreachable_storage_is_an_error", "without the driver's error as __cause__")
class HidesTheErrorOfTheDriver(RightInFile):
    def run(self, sql: str, *values: Any) -> list[Any]:
        try:
            return super().run(sql, *values)
        except CacheUnavailableError as error:
            raise CacheUnavailableError(str(error)) from None


@FAULTS.caught_by("test_an_unreachable_storage_is_an_error", "`shared` but does not override `unreachable`", "shared")
class SaysNotHowItFails(RightInProcess):
    pass
