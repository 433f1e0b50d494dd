"""The checks of a database: right ones pass, and each deliberate fault is caught by the check that names it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import broken_databases, broken_databases_batches, broken_databases_language, broken_databases_life
from support.conformance_runs import Outcome, run_conformance
from support.database_faults import Fault

from rekall.testing import DatabaseConformance

Outcomes = dict[tuple[str, str], Outcome]
MODULES = (broken_databases, broken_databases_batches, broken_databases_language, broken_databases_life)
FAULTS = [fault for module in MODULES for fault in module.FAULTS]

RIGHT = """
from support.backends import ConnectionPerCall
from support.right_databases import Right

from rekall.infra import DefaultDatabaseBackend
from rekall.testing import DatabaseConformance


class TestBuiltin(DatabaseConformance):
    backend = DefaultDatabaseBackend
    options = {"busy_timeout": 0.2}
    capabilities = {"backup", "persistent"}


class TestInMemory(DatabaseConformance):
    backend = "rekall.infra:DefaultDatabaseBackend"
    capabilities = {"backup"}

    def make(self, folder):
        return DefaultDatabaseBackend()


class TestOfAnOutsider(DatabaseConformance):
    backend = ConnectionPerCall
    capabilities = {"backup", "persistent"}


class TestRight(DatabaseConformance):
    backend = Right
    capabilities = {"backup", "persistent"}


def limited(path):
    class Limited(Right):
        def execute_batch(self, statements, *, idempotent=False):
            return super().execute_batch(within(list(statements)))

    return Limited(path)


def within(statements):
    if len(statements) > 5000:
        raise NotSupportedError("a batch may have 5000 statements")
    return statements


from rekall.errors import NotSupportedError


class TestLimited(DatabaseConformance):
    backend = limited
    capabilities = {"limited_batches", "backup", "persistent"}
"""

BROKEN = """
from support import broken_databases, broken_databases_batches, broken_databases_language, broken_databases_life
from support.database_faults import conformance_class

for module in (broken_databases, broken_databases_batches, broken_databases_language, broken_databases_life):
    for fault in module.FAULTS:
        globals()[f"Test{fault.database.__name__}"] = conformance_class(fault.database, fault.capabilities)
"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What one run of pytest says of all faults, each met by its own check."""
    only = [f"Test{fault.database.__name__}::{fault.check}" for fault in FAULTS]
    return run_conformance(BROKEN, tmp_path_factory.mktemp("broken"), list(dict.fromkeys(only)))


def test_right_databases_pass(tmp_path: Path) -> None:
    """The built-in one on a file and in memory, an outsider's, one for the faults, and one that limits batches."""
    outcomes = run_conformance(RIGHT, tmp_path)
    assert [(name, outcome) for name, outcome in outcomes.items() if outcome.state not in ("passed", "skipped")] == []
    skipped = {(name.removeprefix("Test"), check) for (name, check), one in outcomes.items() if one.state == "skipped"}
    assert skipped == {
        ("InMemory", "test_what_is_no_database_is_refused"),
        ("InMemory", "test_a_connect_that_failed_can_be_tried_again"),
        ("InMemory", "test_what_was_written_stays"),
        ("InMemory", "test_a_busy_base_is_told"),
        ("InMemory", "test_rekall_finds_it_again"),
        ("InMemory", "test_rekall_migrates_an_old_base"),
        ("Limited", "test_a_batch_is_streamed"),
    }
    assert len([name for name, _ in outcomes if name == "TestRight"]) >= 80


def _checks() -> set[str]:
    return {name for name in dir(DatabaseConformance) if name.startswith("test_")}


def test_there_is_a_fault_for_every_check() -> None:
    """A check that catches nothing would not be missed."""
    assert {fault.check for fault in FAULTS} == _checks()
    assert len({fault.database for fault in FAULTS}) >= 70


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.database.__name__}-{fault.check}")
def test_a_fault_is_caught(fault: Fault, broken: Outcomes) -> None:
    """By the check that names it, in one line: what the contract asks, and what was found."""
    name = f"Test{fault.database.__name__}"
    found = [
        one.message
        for (database, check), one in broken.items()
        if (database, check.partition("[")[0], one.state) == (name, fault.check, "failed")
    ]
    messages = [message.partition(": ")[2] for message in found]
    sentence = getattr(DatabaseConformance, fault.check).__doc__.rstrip(".").removeprefix("The ")
    assert any(message.startswith(f"the {sentence}; found: ") for message in messages), messages
    assert any(fault.says in message for message in messages), messages
    assert not any("\n" in message for message in messages)
