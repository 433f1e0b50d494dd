"""What a conformance class states: its back end, flags, options and modules; what becomes of what is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import processes
from support.conformance_runs import Outcome, run_conformance
from support.right_databases import Right

from rekall.infra import DefaultDatabaseBackend
from rekall.testing import CacheConformance, ContractError, DatabaseConformance, contract
from rekall.testing.contract import broken, holds, same

CHECK = "test_a_batch_is_applied_in_order"
HEAD = """
from pathlib import Path

from support.right_databases import Right

from rekall.testing import DatabaseConformance
"""


def _one(source: str, folder: Path, environment: Mapping[str, str] | None = None, check: str = CHECK) -> Outcome:
    """What became of one check of the class `TestIt`."""
    (outcome,) = run_conformance(HEAD + source, folder, [f"TestIt::{check}"], environment).values()
    return outcome


# flags


@pytest.mark.parametrize("base", [CacheConformance, DatabaseConformance])
def test_an_unknown_flag_is_an_error(base: type[CacheConformance] | type[DatabaseConformance]) -> None:
    """When the class is made; it names the flag, and those that exist."""
    known = ", ".join(sorted(base.known_capabilities))
    for stated in (("bakcup",), {"bakcup"}, "bakcup"):
        with pytest.raises(TypeError) as caught:
            type("TestAcme", (base,), {"capabilities": stated})
        text = f"TestAcme.capabilities names 'bakcup', which the kit does not know; known: {known}"
        assert str(caught.value) == text


def test_an_unknown_flag_is_told_by_pytest(tmp_path: Path) -> None:
    """As an error of the author's file, with no check run."""
    with pytest.raises(AssertionError, match="capabilities names 'sturdy', which the kit does not know; known: backup"):
        _one("class TestIt(DatabaseConformance):\n    capabilities = ('sturdy',)", tmp_path)


def test_what_a_flag_leaves_out_is_skipped_with_the_reason(tmp_path: Path) -> None:
    """Nobody believes that it was checked."""
    check = "test_what_was_written_stays"
    outcome = _one("class TestIt(DatabaseConformance):\n    backend = Right", tmp_path, check=check)
    text = "not checked: TestIt.capabilities does not state 'persistent' (two made for one folder share"
    assert outcome.state == "skipped"
    assert outcome.message.startswith(text)


# the back end


def test_a_back_end_is_a_class_a_function_or_a_name(tmp_path: Path) -> None:
    """Made with the options and a path in a folder that is not there yet."""

    def function(path: Path) -> Right:
        return Right(path)

    class Named(DatabaseConformance):
        backend = "rekall.infra:DefaultDatabaseBackend"
        options = {"busy_timeout": 0.5}  # noqa: RUF012  # as an author writes it

    class Function(DatabaseConformance):
        backend = function

    class Class(DatabaseConformance):
        backend = Right

    made = Named().make(tmp_path)
    assert isinstance(made, DefaultDatabaseBackend)
    assert made.path == tmp_path / "base" / "knowledge.db"
    for each in (Function(), Class()):
        assert each.make(tmp_path).path == made.path
    assert not made.path.parent.exists()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("class TestIt(DatabaseConformance): pass", "TestIt states no back end: set `backend` to its class"),
        ("class TestIt(DatabaseConformance):\n    backend = 'support:Nothing'", "TestIt states no back end"),
        ("class TestIt(DatabaseConformance):\n    backend = Right\n    options = {'colour': 1}", "argument 'colour'"),
    ],
    ids=["none", "wrong name", "unknown option"],
)
def test_a_back_end_that_cannot_be_made_is_told(source: str, says: str, tmp_path: Path) -> None:
    """By the class that states it."""
    outcome = _one(source, tmp_path)
    assert outcome.state == "error"
    assert "the contract asks that the constructor takes the options" in outcome.message
    assert says in outcome.message


# what is missing

NEEDY = "class TestIt(DatabaseConformance):\n    backend = 'acme:Acme'\n    requires = ('acme_driver',)"


@pytest.mark.parametrize(
    "environment",
    [{}, {"CI": "false"}, {"CI": "true", "REKALL_CONFORMANCE_STRICT": "0"}],
    ids=["plain", "no CI", "strict off"],
)
def test_a_missing_module_skips(environment: Mapping[str, str], tmp_path: Path) -> None:
    """With the reason."""
    outcome = _one(NEEDY, tmp_path, environment)
    assert outcome == Outcome(
        "skipped", "not checked: the module acme_driver cannot be imported (No module named 'acme_driver')"
    )


@pytest.mark.parametrize("environment", [{"CI": "true"}, {"CI": "1"}, {"REKALL_CONFORMANCE_STRICT": "1"}], ids=str)
def test_a_missing_module_fails_in_strict_mode(environment: Mapping[str, str], tmp_path: Path) -> None:
    """A run that checked nothing is not green."""
    outcome = _one(NEEDY, tmp_path, environment)
    assert outcome.state == "error"
    assert (
        "the contract asks that in strict mode nothing that the checks need is missing; found: "
        "the module acme_driver cannot be imported (No module named 'acme_driver')"
    ) in outcome.message


@pytest.mark.parametrize(("variable", "state"), [("0", "skipped"), ("1", "error")])
def test_a_server_that_is_not_there_is_like_a_module(variable: str, state: str, tmp_path: Path) -> None:
    """An author's `make` says so."""
    source = """
class TestIt(DatabaseConformance):
    backend = Right

    def make(self, folder):
        self.unavailable("no server at localhost:1")
"""
    outcome = _one(source, tmp_path, {"REKALL_CONFORMANCE_STRICT": variable})
    assert (outcome.state, "no server at localhost:1" in outcome.message) == (state, True)


def test_without_pytest_it_is_one_clear_line(tmp_path: Path) -> None:
    """It says what to install, and is an ImportError."""
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "try:\n    import rekall.testing\nexcept ImportError as error:\n    print(type(error).__name__, error)"
    )
    text = "MissingDependencyError rekall.testing runs in pytest, which is not installed: pip install pytest\n"
    assert processes.run(code) == text


def test_rekall_itself_does_without_pytest() -> None:
    """Only the kit names it."""
    code = "import sys, rekall.db, rekall.cli, rekall.infra; print([name for name in sys.modules if 'pytest' in name])"
    assert processes.run(code) == "[]\n"


# messages


def test_a_message_is_what_the_contract_asks_and_what_was_found() -> None:
    """Also for an error that nobody expected, which becomes the cause."""
    with pytest.raises(ContractError, match=r"^the contract asks that a is b; found: c$"), contract("a is b"):
        broken("c")
    with pytest.raises(ContractError) as caught, contract("a is b"):
        raise KeyError("c")
    assert str(caught.value) == "the contract asks that a is b; found: KeyError: 'c'"
    assert isinstance(caught.value.__cause__, KeyError)


def test_the_innermost_sentence_speaks() -> None:
    """It is the one that says most."""
    with pytest.raises(ContractError, match="asks that inner; found: c"), contract("outer"), contract("inner"):
        broken("c")


def test_a_check_says_what_it_asks() -> None:
    """Every check has a sentence, which is its documentation too."""
    for base in (CacheConformance, DatabaseConformance):
        checks = [getattr(base, name) for name in dir(base) if name.startswith("test_")]
        assert len(checks) > 20
        for check in checks:
            assert re.fullmatch(r"The contract asks that [^.].+[\w)]\.", check.__doc__), check


def test_skips_pass_through() -> None:
    """A check that skips is no finding."""
    with pytest.raises(pytest.skip.Exception), contract("a is b"):
        pytest.skip("no")


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        ([1], (1,)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1}, {"a": True}),
        (b"", ""),
    ],
    ids=str,
)
def test_values_are_the_same_only_with_their_types(found: object, wanted: object) -> None:
    """All the way down, and in their order."""
    with pytest.raises(ContractError, match="found: the value is "), contract("they are the same"):
        same(found, wanted, "the value")
    with contract("they are the same"):
        same(found, found, "the value")
        holds(found == found, "the value")


def test_a_long_value_is_cut() -> None:
    """A message is one line, not a page."""
    with pytest.raises(ContractError) as caught, contract("it is short"):
        same("x" * 10_000, "", "the value")
    assert len(str(caught.value)) < 500
    assert "(10002 characters)" in str(caught.value)


def test_checks_are_made_without_assertions_too(tmp_path: Path) -> None:
    """`python -O` leaves every assert out, and a check that made none would pass whatever it met."""
    source = """
from support.broken_databases import GivesTuples

class TestIt(DatabaseConformance):
    backend = GivesTuples
"""
    outcome = _one(source, tmp_path, {"PYTHONOPTIMIZE": "2"}, "test_rows_are_dicts")
    assert outcome.state == "failed"
    assert "the contract asks that a row is a dict from column name to value" in outcome.message
