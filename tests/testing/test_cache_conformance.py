"""The checks of a cache: right ones pass, and each deliberate fault is caught by the check that names it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import broken_cache_services, broken_caches
from support.cache_faults import Fault
from support.conformance_runs import Outcome, run_conformance

from rekall.testing import CacheConformance

Outcomes = dict[tuple[str, str], Outcome]
FAULTS = [*broken_caches.FAULTS, *broken_cache_services.FAULTS]

RIGHT = '''
from support.backends import DictCache
from support.cache_faults import InFile, InFolder
from support.failing import FakeTime
from support.right_caches import RightInFile, RightInFolder

from rekall.infra import DefaultCacheBackend
from rekall.testing import CacheConformance


class Builtin(DefaultCacheBackend):
    interface_version = 1


class OfAnOutsider(DictCache):
    interface_version = 1


class TestBuiltin(CacheConformance):
    backend = Builtin
    capabilities = {"bounded"}


class TestSmall(CacheConformance):
    backend = Builtin
    options = {"max_size": 50}
    capabilities = {"bounded"}


class TestOfAnOutsider(CacheConformance):
    backend = OfAnOutsider


class TestInFile(InFile):
    backend = RightInFile
    capabilities = {"shared"}


class TestInFolder(InFolder):
    backend = RightInFolder
    capabilities = {"shared"}


class TestClock(CacheConformance):
    """Whole seconds on a clock that the test sets forward: nobody waits."""

    capabilities = {"bounded", "coarse_ttl"}
    time = FakeTime()
    backend = Builtin

    def make(self, folder):
        return Builtin(clock=self.time.clock)

    def wait(self, seconds):
        self.time.now += seconds
'''

BROKEN = """
from support import broken_cache_services, broken_caches
from support.cache_faults import conformance_class

for fault in [*broken_caches.FAULTS, *broken_cache_services.FAULTS]:
    globals()[f"Test{fault.cache.__name__}"] = conformance_class(fault.cache, fault.capabilities)
"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What one run of pytest says of all faults, each met by its own check."""
    only = [f"Test{fault.cache.__name__}::{fault.check}" for fault in FAULTS]
    return run_conformance(BROKEN, tmp_path_factory.mktemp("broken"), only)


def test_right_caches_pass(tmp_path: Path) -> None:
    """The built-in one, large and small, an outsider's, two on a shared disk, and one on a clock of its own."""
    outcomes = run_conformance(RIGHT, tmp_path)
    assert [(name, outcome) for name, outcome in outcomes.items() if outcome.state not in ("passed", "skipped")] == []
    skipped = {(cache, check.partition("[")[0]) for (cache, check), one in outcomes.items() if one.state == "skipped"}
    unshared = {
        *("test_a_shared_storage_is_shared", "test_nobody_sees_half_a_value"),
        *("test_an_unreachable_storage_is_an_error", "test_a_damaged_value_is_a_miss"),
    }
    in_process = ("TestBuiltin", "TestSmall", "TestOfAnOutsider", "TestClock")
    real_time = ("TestBuiltin", "TestSmall", "TestOfAnOutsider", "TestInFile", "TestInFolder")
    assert skipped == {
        *((cache, check) for cache in in_process for check in unshared),
        *((cache, "test_no_lifetime_is_set_by_the_cache") for cache in real_time),
        ("TestInFile", "test_a_damaged_value_is_a_miss"),
        ("TestClock", "test_a_lifetime_has_fractions_of_a_second"),
    }
    assert len([cache for cache, _ in outcomes if cache == "TestInFile"]) > 70


def test_there_is_a_fault_for_every_check() -> None:
    """A check that catches nothing would not be missed."""
    checks = {name for name in dir(CacheConformance) if name.startswith("test_")}
    assert {fault.check for fault in FAULTS} == checks


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.cache.__name__)
def test_a_fault_is_caught(fault: Fault, broken: Outcomes) -> None:
    """By the check that names it, in one line: what the contract asks, and what was found."""
    name = f"Test{fault.cache.__name__}"
    found = [one.message for (cache, check), one in broken.items() if cache == name and one.state == "failed"]
    messages = [re.sub("at 0x[0-9a-f]+", "at ADDRESS", message.partition(": ")[2]) for message in found]
    sentence = getattr(CacheConformance, fault.check).__doc__.rstrip(".").removeprefix("The ")
    assert any(message.startswith(f"the {sentence}; found: ") for message in messages), messages
    assert any(fault.says in message for message in messages), messages
    assert not any("\n" in message for message in messages)
