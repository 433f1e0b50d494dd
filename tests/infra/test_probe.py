"""Functions in child processes: what they answer, and what is said of a child that gives no answer."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from rekall.errors import BackendError
from rekall.infra.probe import run, run_all

SOURCE = '''
import os, signal, subprocess, sys, threading, time
from pathlib import Path
from rekall.errors import ConfigError


def add(step, *, a, b):
    return {"sum": a + b, "argv": sys.argv, "stdin": sys.stdin.read()}


def path(step):
    return sys.path


def refuse(step, *, text):
    raise ConfigError(text)


def fail(step):
    raise KeyError("name")


def leave(step):
    sys.exit("no licence")


def quit(step):
    step("while it thought")
    os._exit(3)


def crash(step):
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(step):
    step("while it slept")
    time.sleep(600)


def noise(step):
    print('{"answer": 1}')
    sys.stdout.flush()
    os.write(1, b'\\n{"answer": 2}\\n')
    subprocess.run([sys.executable, "-c", "print(3)"])
    sys.stderr.write("x" * 1_000_000)
    return 4


def close_all(step):
    os.closerange(0, 64)
    time.sleep(600)


def thread(step):
    threading.Thread(target=time.sleep, args=(600,)).start()
    return "answered"


def child(step, *, file, forked):
    """Leave something running."""
    if forked:
        number = os.fork()
        if number == 0:
            time.sleep(600)
    else:
        number = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid
    Path(file).write_text(str(number))
    return number


def unshown(step):
    return object()


def times(step, *, file):
    started = time.time()
    time.sleep(0.5)
    return [started, time.time()]
'''


@pytest.fixture(autouse=True)
def _functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module `probed`, on the path of this process alone."""
    folder = tmp_path / "functions"
    folder.mkdir()
    (folder / "probed.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(folder))


def test_it_answers() -> None:
    """With what it is given; nothing of it stands in the list of processes, and its stdin is read to the end."""
    assert run("probed:add", {"a": "Grüße ", "b": "\udcff"}) == {"sum": "Grüße \udcff", "argv": ["-c"], "stdin": ""}


def test_it_imports_from_the_same_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the same order, and from no other: not even what it needs itself from the directory that it is in."""
    (tmp_path / "json.py").write_text("raise RuntimeError")
    monkeypatch.chdir(tmp_path)
    assert run("probed:path", {}) == [place for place in sys.path if isinstance(place, str)]


FAILING: Mapping[str, tuple[str, Mapping[str, Any], str]] = {
    "an error of ours": ("refuse", {"text": "so it is"}, "so it is"),
    "another error": ("fail", {}, "KeyError: 'name'"),
    "an exit": ("leave", {}, "SystemExit: no licence"),
    "a sudden end": ("quit", {}, "it ended Python with the status 3 while it thought"),
    "a crash": ("crash", {}, "it crashed Python (SIGSEGV) while Python was started for it"),
    "no such function": ("nothing", {}, "AttributeError: module 'probed' has no attribute 'nothing'"),
    "an answer that JSON does not have": ("unshown", {}, "TypeError: Object of type object is not JSON serializable"),
    "a closed pipe": ("close_all", {}, "it closed the pipe for its answer while Python was started for it"),
}


@pytest.mark.parametrize("case", FAILING)
def test_what_goes_wrong_is_told_in_one_line(case: str) -> None:
    """As an error of a back end, whatever it was."""
    function, arguments, text = FAILING[case]
    with pytest.raises(BackendError) as caught:
        run(f"probed:{function}", arguments)
    assert str(caught.value) == text


def test_what_it_prints_is_no_answer() -> None:
    """Neither from Python nor past it, nor by a program that it starts; and much of it stops nothing."""
    assert run("probed:noise", {}) == 4


def test_one_that_hangs_is_ended() -> None:
    """After the time-out, with what it was doing."""
    with pytest.raises(BackendError, match=r"^no answer within 4 s while it slept$"):
        run("probed:hang", {}, 4)


def test_threads_do_not_keep_it() -> None:
    """An answer is enough: it need not come to Python's own end."""
    started = time.monotonic()
    assert run("probed:thread", {}) == "answered"
    assert time.monotonic() - started < 60


@pytest.mark.skipif(os.name == "nt", reason="processes have no groups")
@pytest.mark.parametrize("forked", [True, False])
def test_what_it_started_ends_with_it(forked: bool, tmp_path: Path) -> None:
    """A process that it left behind, even one that could still write to the pipe of the answer."""
    number = run("probed:child", {"file": str(tmp_path / "number"), "forked": forked})
    assert number == int((tmp_path / "number").read_text())
    deadline = time.monotonic() + 20
    while _runs(number) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _runs(number)


def _runs(number: int) -> bool:
    """Whether a process is there, and is no mere entry that nobody has asked for the end of."""
    try:
        return "Z" not in Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_several_run_beside_each_other() -> None:
    """At least two at once, the outcomes in the order of the requests, and an end of one is none of the others."""
    outcomes = run_all("probed:times", [{"file": str(number)} for number in range(4)])
    spans = sorted(outcomes)
    assert any(later[0] < earlier[1] for earlier, later in pairwise(spans))
    mixed = run_all("probed:add", [{"a": 1, "b": 2}, {"a": 1, "b": "x"}, {"a": 3, "b": 4}])
    assert [getattr(one, "args", one) if isinstance(one, BackendError) else one["sum"] for one in mixed] == [
        3,
        ("TypeError: unsupported operand type(s) for +: 'int' and 'str'",),
        7,
    ]
    assert run_all("probed:add", []) == []
