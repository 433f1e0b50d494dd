"""Caches with one deliberate fault each, in their values and keys and in what they answer."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
from typing import Any

from rekall.errors import InvalidValueError
from support.backends import DictCache
from support.cache_faults import Faults
from support.right_caches import RightInFolder, RightInProcess

FAULTS = Faults()


@FAULTS.caught_by("test_it_states_its_interface", "it was written for; give it 'interface_version = 1'")
class StatesNoVersion(DictCache):
    pass


@FAULTS.caught_by("test_it_states_its_interface", "or a version of the back end for interface 1")
class StatesALaterVersion(RightInProcess):
    interface_version = 99


@FAULTS.caught_by("test_values_come_back_as_they_went", "what get gave is 'plain' instead of b'plain'")
class MakesTextOfBytes(RightInProcess):
    def encoded(self, value: Any) -> Any:
        return super().encoded(value.decode("latin-1") if isinstance(value, bytes) else value)


@FAULTS.caught_by("test_values_come_back_as_they_went", "what get gave is 1 instead of True")
class MakesNumbersOfBooleans(RightInProcess):
    def encoded(self, value: Any) -> Any:
        return super().encoded(int(value) if isinstance(value, bool) else value)


@FAULTS.caught_by("test_values_come_back_as_they_went", "what get gave is 1 instead of 1.0")
class MakesWholeNumbersOfFloats(RightInProcess):
    def encoded(self, value: Any) -> Any:
        return super().encoded(int(value) if isinstance(value, float) and value.is_integer() else value)


@FAULTS.caught_by("test_values_come_back_as_they_went", "found: OverflowError: int too big to convert")
class HoldsNumbersIn64Bit(RightInProcess):
    def encoded(self, value: Any) -> Any:
        if isinstance(value, int):
            value.to_bytes(8, "big", signed=True)
        return super().encoded(value)


@FAULTS.caught_by("test_values_come_back_as_they_went", "what get gave is None instead of b'\\x80\\x04N.'")
class LoadsWhatLooksLikeAPickle(RightInProcess):
    def decoded(self, kept: Any) -> Any:
        if isinstance(kept, bytes) and kept.startswith(b"\x80\x04"):
            return pickle.loads(kept)  # noqa: S301  # the fault
        return super().decoded(kept)


@FAULTS.caught_by("test_a_miss_is_not_a_stored_none", "stored None is <object object at ADDRESS> instead of None")
class TakesNoneForAMiss(RightInProcess):
    def get(self, key: str, default: Any = None) -> Any:
        found = super().get(key)
        return default if found is None else found


@FAULTS.caught_by("test_a_miss_is_not_a_stored_none", "another object than the default that was given")
class CopiesTheDefault(RightInProcess):
    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, copy.deepcopy(default))


@FAULTS.caught_by("test_exists_tells_what_get_would_find", "exists after set of False is False instead of True")
class TakesEmptyForMissing(RightInProcess):
    def exists(self, key: str) -> bool:
        return super().exists(key) and bool(self.decoded(self.kept[key][0]))


@FAULTS.caught_by("test_deleting_tells_whether_it_was_there", "delete of the same key again is True instead of False")
class DeletesAlways(RightInProcess):
    def delete(self, key: str) -> bool:
        super().delete(key)
        return True


@FAULTS.caught_by("test_deleting_tells_whether_it_was_there", "key that holds None is False instead of True")
class DeletesNoNone(RightInProcess):
    def delete(self, key: str) -> bool:
        found = self.get(key)
        super().delete(key)
        return found is not None


@FAULTS.caught_by("test_writing_again_replaces", "what get gave is b'bytes' instead of 'text'")
class KeepsTheFirst(RightInProcess):
    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        if not self.exists(key):
            super().set(key, value, ttl)


@FAULTS.caught_by("test_values_cannot_be_changed_from_outside", "given value was changed is {'list': [1, 2]} instead")
class KeepsWhatWasGiven(RightInProcess):
    def encoded(self, value: Any) -> Any:
        super().encoded(value)
        return value

    def decoded(self, kept: Any) -> Any:
        return copy.deepcopy(kept)


@FAULTS.caught_by("test_values_cannot_be_changed_from_outside", "was got was changed is {'list': [1, 3]} instead")
class GivesWhatItKeeps(RightInProcess):
    def encoded(self, value: Any) -> Any:
        return super().decoded(super().encoded(value))

    def decoded(self, kept: Any) -> Any:
        return kept


@FAULTS.caught_by("test_other_values_are_refused", "found: set accepted a value of the type Decimal")
class MakesTextOfEverything(RightInProcess):
    def encoded(self, value: Any) -> Any:
        return value if isinstance(value, bytes) else json.dumps(value, default=str)


@FAULTS.caught_by("test_other_values_are_refused", "found: TypeError: Object of type Decimal is not JSON serializable")
class LetsThroughTheErrorOfJson(RightInProcess):
    def encoded(self, value: Any) -> Any:
        return value if isinstance(value, bytes) else json.dumps(value)


@FAULTS.caught_by("test_other_values_are_refused", "found: set accepted a value of the type float: nan")
class TakesWhatIsNoNumber(RightInProcess):
    def encoded(self, value: Any) -> Any:
        return json.dumps(value) if isinstance(value, (float, dict)) else super().encoded(value)


@FAULTS.caught_by("test_other_values_are_refused", "found: RecursionError: maximum recursion depth exceeded")
class LetsThroughDeepNesting(RightInProcess):
    def encoded(self, value: Any) -> Any:
        try:
            return value if isinstance(value, bytes) else json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InvalidValueError(str(error)) from error


@FAULTS.caught_by("test_what_json_changes_is_changed_or_refused", "found: what get gave is (1, 2) instead of [1, 2]")
class KeepsTuples(RightInProcess):
    def encoded(self, value: Any) -> Any:
        return value if isinstance(value, tuple) else super().encoded(value)

    def decoded(self, kept: Any) -> Any:
        return kept if isinstance(kept, tuple) else super().decoded(kept)


@FAULTS.caught_by("test_lone_surrogates_are_kept_or_refused", "found: UnicodeEncodeError: 'utf-8' codec can't encode")
class HashesWhatIsUnicode(RightInProcess):
    def place(self, key: str) -> str:
        return hashlib.sha256(key.encode()).hexdigest()


@FAULTS.caught_by("test_lone_surrogates_are_kept_or_refused", "for the keys that are nearly it is [None, 'near', ")
class DropsWhatIsNoUnicode(RightInProcess):
    def place(self, key: str) -> str:
        return key.encode(errors="ignore").decode()


@FAULTS.caught_by("test_methods_have_the_signatures_of_the_interface", "found: get is a coroutine")
class GetsLater(RightInProcess):
    async def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, default)


@FAULTS.caught_by(
    "test_methods_have_the_signatures_of_the_interface",
    "set(key, value, ttl): got an unexpected keyword argument 'ttl'",
)
class NamesTheLifetimeOtherwise(RightInProcess):
    def set(self, key: str, value: Any, timeout: float | None = None) -> None:
        super().set(key, value, timeout)


@FAULTS.caught_by("test_methods_have_the_signatures_of_the_interface", "missing a required argument: 'default'")
class AsksForADefault(RightInProcess):
    def get(self, key: str, default: Any) -> Any:  # type: ignore[override]  # the fault
        return super().get(key, default)


@FAULTS.caught_by("test_a_damaged_value_is_a_miss", "found: JSONDecodeError: ")
class LetsThroughTheErrorOfADamagedFile(RightInFolder):
    def living(self, key: str) -> tuple[Any] | None:
        if self.file(key).exists():
            json.loads(self.file(key).read_text("latin-1"))
        return super().living(key)


@FAULTS.caught_by("test_a_damaged_value_is_a_miss", "exists for a value whose file was cut is True instead of False")
class TakesADamagedFileForAValue(RightInFolder):
    def exists(self, key: str) -> bool:
        return self.file(key).exists() and (self.living(key) is not None or self.is_cut(key))

    def is_cut(self, key: str) -> bool:
        return not self.file(key).read_bytes().endswith(b"]")


@FAULTS.caught_by("test_other_values_are_refused", "what get gave afterwards is None instead of 'before'")
class RemovesBeforeItRefuses(RightInProcess):
    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        self.delete(key)
        super().set(key, value, ttl)


@FAULTS.caught_by("test_values_are_never_pickled", "found: set and get brought a value back by pickle")
class Pickles(RightInProcess):
    def encoded(self, value: Any) -> Any:
        super().encoded(value)
        return pickle.dumps(value)

    def decoded(self, kept: Any) -> Any:
        return pickle.loads(kept)  # noqa: S301  # the fault


@FAULTS.caught_by("test_any_text_is_a_key", "found: ValueError: a key has 1 to 250 characters")
class TakesShortKeysOnly(RightInProcess):
    def place(self, key: str) -> str:
        if not 1 <= len(key) <= 250:
            raise ValueError("a key has 1 to 250 characters")
        return key


@FAULTS.caught_by("test_keys_that_look_alike_are_different", "found: get gave for 'a' what was set for 'A'")
class FoldsCase(RightInProcess):
    def place(self, key: str) -> str:
        return key.lower()


@FAULTS.caught_by("test_keys_that_look_alike_are_different", "found: get gave for 'a' what was set for 'a '")
class StripsKeys(RightInProcess):
    def place(self, key: str) -> str:
        return key.strip() or key


@FAULTS.caught_by(
    "test_keys_that_look_alike_are_different",
    "found: get gave for a text of 10001 characters what",
)
class CutsLongKeys(RightInProcess):
    def place(self, key: str) -> str:
        return key[:250]


@FAULTS.caught_by("test_keys_that_look_alike_are_different", "after delete of '*' '' was gone too")
class DeletesByPattern(RightInProcess):
    def delete(self, key: str) -> bool:
        if key == "*":
            self.clear()
        return super().delete(key)
