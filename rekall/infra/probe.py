"""Runs a function of Rekall in child processes, for what may hang, exit or crash: the code of other distributions.

A child imports from the same places as this process. It is told what to do on its stdin, so that nothing stands in the
list of processes, and answers on a pipe of its own: what is printed by the code that it runs goes nowhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NoReturn

from rekall.errors import BackendError, RekallError

TIMEOUT = 10.0
"""Seconds that a child has to answer."""
_LONGEST_END = 2.0
"""Seconds that a child has to end once it has closed its pipe, or is ended."""
_CHILD = """
import sys
sys.path[:] = [place for place in sys.path if place]
import json
request = json.loads(sys.stdin.buffer.read())
sys.path[:] = request["path"]
from rekall.infra.probe import answer
answer(request["function"], request["arguments"])
"""
Step = Callable[[str], None]
"""Tells the parent what is about to be done, as the end of "no answer within 10 s ...": "while it was imported"."""


def run(function: str, arguments: Mapping[str, Any], timeout: float = TIMEOUT) -> Any:
    """What a function returns in a child process.

    Args:
        function: as `module:name`; it is given a `Step` and the arguments.
        arguments: by name, as JSON has them.
        timeout: seconds.

    Raises:
        BackendError: the function raised an error, or there was no answer.
    """
    (outcome,) = run_all(function, [arguments], timeout)
    if isinstance(outcome, BackendError):
        raise outcome
    return outcome


def run_all(function: str, requests: Sequence[Mapping[str, Any]], timeout: float = TIMEOUT) -> list[Any]:
    """What a function returns for each of several arguments, each in a child of its own, a few at once.

    Args:
        function: as in `run`.
        requests: the arguments of each.
        timeout: seconds for each.

    Returns:
        In the order of the requests what it returned, or the `BackendError` that tells why it did not.
    """
    waiting = deque(enumerate(requests))
    running: dict[int, _Child] = {}
    outcomes: dict[int, Any] = {}
    lines: queue.SimpleQueue[tuple[int, bytes | None]] = queue.SimpleQueue()
    try:
        while waiting or running:
            while waiting and len(running) < max(2, os.cpu_count() or 1):
                number, arguments = waiting.popleft()
                running[number] = _Child(number, {"function": function, "arguments": arguments}, timeout, lines)
            found: dict[int, tuple[Any] | None]
            try:
                number, line = lines.get(timeout=max(0.0, min(child.left for child in running.values())))
            except queue.Empty:
                found = {number: child.overdue() for number, child in running.items() if child.left <= 0}
            else:
                # the last words of one that has been ended are of no interest
                found = {number: running[number].take(line)} if number in running else {}
            for number, outcome in found.items():
                if outcome is not None:
                    running.pop(number).end()
                    outcomes[number] = outcome[0]
    finally:
        for child in running.values():
            child.end()
    return [outcomes[number] for number in range(len(requests))]


class _Child:
    """A process that works on one request.

    Args:
        number: stands with each of its lines.
        request: what it is given.
        timeout: seconds until it is overdue.
        lines: where its lines go; None is the end of them.
    """

    def __init__(
        self,
        number: int,
        request: Mapping[str, Any],
        timeout: float,
        lines: queue.SimpleQueue[tuple[int, bytes | None]],
    ) -> None:
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout
        self._step = "while Python was started for it"
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a group of its own, which ends with it
        )
        places = [place for place in sys.path if isinstance(place, str)]
        text = json.dumps({**request, "path": places}).encode()
        threading.Thread(target=_converse, args=(self._process, number, text, lines), daemon=True).start()

    @property
    def left(self) -> float:
        """Seconds until it is overdue."""
        return self._deadline - time.monotonic()

    def overdue(self) -> tuple[BackendError]:
        """What there is instead of an answer that did not come in time."""
        return (BackendError(f"no answer within {self._timeout:g} s {self._step}"),)

    def take(self, line: bytes | None) -> tuple[Any] | None:
        """The outcome that a line brings, if it brings one."""
        if line is None:
            return (BackendError(self._ending()),)
        try:
            message = json.loads(line)
        except ValueError:  # printed by what is run before any code of ours
            return None
        if not isinstance(message, dict):
            return None
        if "error" in message:
            return (BackendError(str(message["error"])),)
        self._step = message.get("step", self._step)
        return (message["answer"],) if "answer" in message else None

    def _ending(self) -> str:
        try:
            status = self._process.wait(_LONGEST_END)
        except subprocess.TimeoutExpired:
            return f"it closed the pipe for its answer {self._step}"
        if status < 0:
            with contextlib.suppress(ValueError):
                return f"it crashed Python ({signal.Signals(-status).name}) {self._step}"
        return f"it ended Python with the status {status} {self._step}"

    def end(self) -> None:
        """End it, and whatever it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # one that waits for a dead disk cannot be ended
            self._process.wait(_LONGEST_END)


def _converse(
    process: subprocess.Popen[bytes], number: int, text: bytes, lines: queue.SimpleQueue[tuple[int, bytes | None]]
) -> None:
    """Give a process its request, and pass its lines on until it ends."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a child without pipes")
    with contextlib.suppress(OSError), process.stdin:  # it ended before it has read all
        process.stdin.write(text)
    with process.stdout:
        for line in process.stdout:
            lines.put((number, line))
    lines.put((number, None))


def answer(function: str, arguments: Mapping[str, Any]) -> NoReturn:
    """Do what the parent asked for and end: what a child process runs.

    Args:
        function: as `module:name`.
        arguments: for it.
    """
    channel = os.dup(1)  # not inherited by what is started from here
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)

    def say(message: Mapping[str, Any]) -> None:
        os.write(channel, json.dumps(message).encode() + b"\n")

    os.write(channel, b"\n")  # ends what a start-up file of Python may have printed
    try:
        module, _, name = function.partition(":")
        say({"answer": getattr(import_module(module), name)(lambda step: say({"step": step}), **arguments)})
    except RekallError as error:
        say({"error": str(error)})
    except BaseException as error:  # noqa: BLE001  # of whatever kind, the parent is to know
        from rekall.infra.foreign import described

        say({"error": described(error)})
    os._exit(0)  # threads and exit functions of another author may hang
