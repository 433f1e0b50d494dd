"""After a round that did not reach Redis all calls fail at once for a second, and then one of them tries again."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from server_support.redis import RedisServer

from rekall.errors import CacheError, CacheOutcomeUnknownError, CacheUnavailableError, TransientError
from rekall.infra.instrument import instrument
from rekall.infra.retry import Retry
from rekall_server.backends.redis_cache import RedisCacheBackend
from rekall_server.backends.redis_pause import Pause

THREADS = 40
"""Those of a server."""
SLACK = 1.5
"""Seconds that a loaded machine may add."""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """It stands still."""
    return Clock()


@pytest.fixture
def cache(redis_server: RedisServer, clock: Clock) -> Iterator[RedisCacheBackend]:
    """A cache whose Redis has just been killed."""
    made = RedisCacheBackend(redis_server.url, prefix="test", timeout=0.3, clock=clock)
    made.set("key", "value")
    redis_server.kill()
    yield made
    made.close()


@pytest.fixture
def interrupt() -> Iterator[Callable[[float], None]]:
    """Interrupts the main thread, wherever it is, after some seconds."""

    def raise_it(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, raise_it)
    main = threading.get_ident()
    timers: list[threading.Timer] = []

    def start(seconds: float) -> None:
        timers.append(threading.Timer(seconds, signal.pthread_kill, (main, signal.SIGUSR1)))
        timers[-1].start()

    yield start
    for timer in timers:
        timer.join()
    signal.signal(signal.SIGUSR1, before)


def outcome(call: Callable[[], Any]) -> str:
    """`answered`, `asked` in vain, or `refused` without asking."""
    try:
        call()
    except (TransientError, CacheOutcomeUnknownError):
        return "asked"
    except CacheError as error:
        return "refused" if "for 1 s calls of the cache fail at once, since Redis at 127.0.0.1:" in str(error) else ""
    return "answered"


def elsewhere(call: Callable[[], Any]) -> str:
    """The outcome in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(outcome, call).result(30)


def get(cache: RedisCacheBackend, key: str = "key") -> Callable[[], Any]:
    """A call."""
    return lambda: cache.get(key)


def test_three_attempts_of_a_call_are_a_round(cache: RedisCacheBackend) -> None:
    """Not one, not two; and once it is over every thread and every call fails at once, the message saying why."""
    assert [outcome(get(cache)) for _ in range(2)] == ["asked", "asked"]
    assert elsewhere(get(cache)) == "asked"
    assert [outcome(get(cache)) for _ in range(2)] == ["asked", "refused"]
    assert elsewhere(get(cache)) == "refused"
    assert outcome(lambda: cache.set("other", 1)) == "refused"
    assert outcome(cache.clear) == "refused"


def test_attempts_of_several_calls_are_no_round(cache: RedisCacheBackend) -> None:
    """Nor are those of several threads, or long after each other."""
    assert [outcome(get(cache, key)) for key in "abcabc"] == ["asked"] * 6
    assert [elsewhere(get(cache)) for _ in range(4)] == ["asked"] * 4


def test_attempts_long_after_each_other_are_no_round(cache: RedisCacheBackend, clock: Clock) -> None:
    """Whoever asks for one key every ten seconds makes new calls, not attempts of one."""
    for _ in range(3):
        clock.now += 10
        assert outcome(get(cache)) == "asked"
    assert outcome(get(cache, "other")) == "asked"


def test_an_answer_ends_the_count(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """Failures that were mended in between are no round."""
    for _ in range(2):
        assert [outcome(get(cache)) for _ in range(2)] == ["asked", "asked"]
        redis_server.restart()
        assert outcome(get(cache)) == "answered"
        redis_server.kill()


def test_it_is_the_retry_layers_round(cache: RedisCacheBackend) -> None:
    """One call of Rekall is three attempts, whose last error is the caller's; the next call makes one and no wait."""
    slept: list[float] = []
    wrapped = instrument(cache, "redis", retry=Retry(sleep=slept.append))
    with pytest.raises(CacheUnavailableError):
        wrapped.get("key")
    assert len(slept) == 2
    with pytest.raises(CacheError) as caught:
        wrapped.get("key")
    assert type(caught.value) is CacheError
    assert len(slept) == 2


def test_one_thread_tries_after_the_pause(redis_server: RedisServer, cache: RedisCacheBackend, clock: Clock) -> None:
    """The others go on failing at once until it has an answer; then all are served."""
    for _ in range(3):
        outcome(get(cache))
    clock.now += 0.99
    assert outcome(get(cache)) == "refused"
    clock.now += 0.02
    assert outcome(get(cache)) == "asked"
    assert elsewhere(get(cache)) == "refused"
    redis_server.restart()
    assert elsewhere(get(cache)) == "refused"
    assert outcome(get(cache)) == "answered"
    assert elsewhere(get(cache)) == "answered"


def test_a_round_that_was_under_way_does_not_lengthen_it(clock: Clock) -> None:
    """Its last attempt began before the pause did: many threads end theirs one after the other."""
    pause = Pause(clock)
    with ThreadPoolExecutor(1) as other:
        for _ in range(2):
            other.submit(pause.failed, "call", "late").result()
        for _ in range(3):
            pause.failed("call", "first")
        clock.now += 0.9
        other.submit(pause.failed, "call", "late").result()
    assert pause.refusal() == "first"
    clock.now += 0.11
    assert pause.refusal() is None


def test_its_failed_round_is_another_pause(cache: RedisCacheBackend, clock: Clock) -> None:
    """As long as the first."""
    for _ in range(3):
        for _ in range(3):
            assert outcome(get(cache)) == "asked"
        assert outcome(get(cache)) == "refused"
        clock.now += 0.99
        assert outcome(get(cache)) == "refused"
        clock.now += 0.02


def test_another_thread_tries_when_the_first_does_not_come_back(cache: RedisCacheBackend, clock: Clock) -> None:
    """Its round may have been cut short: nobody waits for it longer than a second."""
    for _ in range(3):
        outcome(get(cache))
    clock.now += 1.01
    assert elsewhere(get(cache)) == "asked"
    assert outcome(get(cache)) == "refused"
    clock.now += 1.01
    assert outcome(get(cache)) == "asked"


def test_a_thread_that_is_interrupted_leaves_the_trying_to_another(
    redis_server: RedisServer, cache: RedisCacheBackend, clock: Clock, interrupt: Callable[[float], None]
) -> None:
    """A call that ends in the middle of an attempt has no outcome, and must not keep the pause for ever."""
    for _ in range(3):
        outcome(get(cache))
    clock.now += 1.01
    redis_server.restart()
    redis_server.stop()
    interrupt(0.1)
    with pytest.raises(KeyboardInterrupt):
        cache.get("key")
    redis_server.go_on()
    assert wait_for(lambda: elsewhere(get(cache)) == "answered")


@pytest.mark.parametrize("fault", ["killed", "stopped"])
def test_many_threads_when_it_dies(redis_server: RedisServer, fault: str) -> None:
    """No call takes longer than its attempts and their waits; then all fail at once; then all are served again."""
    timeout = 0.3
    plain = RedisCacheBackend(redis_server.url, prefix="test", timeout=timeout)
    cache = instrument(plain, "redis")
    for number in range(THREADS):
        cache.set(f"key {number}", number)
    longest: list[float] = []
    wrong: list[object] = []
    refused, served = [0] * THREADS, [0] * THREADS
    stop = threading.Event()

    def work(number: int) -> None:
        slowest = 0.0
        while not stop.is_set():
            began = time.monotonic()
            try:
                found = cache.get(f"key {number}", number)
                if found != number:
                    wrong.append(found)
                served[number] += 1
            except (TransientError, CacheOutcomeUnknownError):
                pass
            except CacheError as error:
                if "fail at once" not in str(error):
                    wrong.append(error)
                refused[number] += 1
                stop.wait(0.02)  # else the threads that are refused take all of the machine
            slowest = max(slowest, time.monotonic() - began)
        longest.append(slowest)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        assert wait_for(lambda: all(served))
        (redis_server.kill if fault == "killed" else redis_server.stop)()
        assert wait_for(lambda: all(refused))
        (redis_server.restart if fault == "killed" else redis_server.go_on)()
        before = list(served)
        assert wait_for(lambda: all(now > earlier for now, earlier in zip(served, before, strict=True)))
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    plain.close()
    assert wrong == []
    # three attempts, each of which may connect first, and the waits of 0.1 and 0.2 s between them
    assert max(longest) < 3 * 2 * timeout + 0.3 + SLACK


def wait_for(condition: Callable[[], bool]) -> bool:
    """Wait until something is so, for 20 s at most."""
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
