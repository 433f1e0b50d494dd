"""How many calls a second rekall-server answers, and how fast, beside a server with a tool that does nothing.

The empty server has the same middleware, settings of the garbage collector and number of processes: the ratio says how
much of the work is Rekall's own. The load comes from this process, on the same machine, which slows all of them alike;
the CPU time of a call is what each takes by itself.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.bases import Bases
from benchmarks.load import OLDER_PROTOCOL, PROTOCOL, Load, call, initialize
from benchmarks.measure import Row
from benchmarks.server_processes import Redis, Server, empty_server, redis_binary, rekall_server, warm_up
from benchmarks.texts import GROUP, NO_WORDS, Texts

SIZE = 10_000
"""Entries of the base."""
CLIENTS = (100, 500)
THROUGHPUT_LIMIT = 0.50
"""Of the calls that the empty tool answers, a selective search and a write answer so many at least."""
P99_LIMIT = 3.0
"""Times the p99 of the empty tool, at the smaller number of clients, at most."""
WORKERS_LIMIT, WORKERS_SHARE = 1.5, 0.85
"""What two workers answer of what one does, at least; or this share of what the empty tool gains by a second one."""

NOTHING, SEARCH, ADD, SHOW, BROAD = "a tool that does nothing", "selective search", "add", "show", "broad search"
_LIMITED = (SEARCH, ADD)
_REQUESTS = 4_000
_WARM_UP = 1.0


class Side(NamedTuple):
    """What is measured beside others.

    Args:
        name: stands in the report.
        server: is asked.
        requests: taken in turn.
        is_right: whether an answer is that to the request of its number.
    """

    name: str
    server: Server
    requests: Sequence[bytes]
    is_right: Callable[[int, Mapping[str, Any]], bool]


class Round(NamedTuple):
    """One load of one side.

    Args:
        load: what came of it.
        cpu: seconds of CPU that the server took for one call; None where that is not known.
        wrong: answers of the sample that are others than asked for.
    """

    load: Load
    cpu: float | None
    wrong: int


class Figures(NamedTuple):
    """Medians of the rounds of a side.

    Args:
        throughput: calls a second.
        p50: milliseconds; likewise p99.
        cpu: microseconds of a call; None where that is not known.
        errors: calls that failed, and answers of the samples that were wrong, in all rounds.
        throughputs: of each round.
        p99s: of each round; None where nothing was answered.
    """

    throughput: float
    p50: float
    p99: float
    cpu: float | None
    errors: int
    throughputs: Sequence[float]
    p99s: Sequence[float | None]


def measure(bases: Bases, *, rounds: int, seconds: float, size: int = SIZE) -> list[Row]:
    """The rows of the report.

    Args:
        bases: makes the base.
        rounds: loads of each side.
        seconds: that a load takes.
        size: entries of the base.

    Raises:
        RuntimeError: a server does not start.
    """
    rows: list[Row] = []
    errors = 0
    with tempfile.TemporaryDirectory() as folder, _servers(bases, Path(folder), size) as servers:
        sides = _sides(servers, bases.texts, size)
        older = _sides(servers, bases.texts, size, protocol=OLDER_PROTOCOL)[:2]
        older.append(Side("initialize", servers["one"], [initialize()], _is_initialized))
        for side in (*sides, *older):
            warm_up(side.server, side.requests, _WARM_UP)
        for clients in CLIENTS:
            figures = _by_turns(bases, sides, clients, rounds, seconds)
            errors += sum(one.errors for one in figures.values())
            rows += _beside_nothing(figures, clients)
        figures = _by_turns(bases, older, CLIENTS[0], rounds, seconds)
        errors += sum(one.errors for one in figures.values())
        rows += _of_older_clients(figures, CLIENTS[0])
        workers = {1: _two_of(sides)} | {2: _two_of(_sides(servers, bases.texts, size, workers=2))}
        for side in workers[2]:
            warm_up(side.server, side.requests, 2 * _WARM_UP)
        named = [side._replace(name=f"{side.name}, {number}") for number in workers for side in workers[number]]
        figures = _by_turns(bases, named, CLIENTS[-1], rounds, seconds)
        errors += sum(one.errors for one in figures.values())
        rows += _of_workers(figures, CLIENTS[-1])
    what = f"calls that failed or were answered wrongly, {' and '.join(map(str, CLIENTS))} clients"
    return [*rows, Row("server", what, errors, "", limit=0)]


@contextmanager
def _servers(bases: Bases, folder: Path, size: int) -> Iterator[Mapping[str, Server]]:
    """Servers that run side by side; who waits takes no CPU. What is written goes to one of its own."""
    with ExitStack() as stack:
        binary = redis_binary()
        redis = None
        if binary is not None:
            cache = Redis(binary, folder / "redis")
            stack.callback(cache.stop)
            redis = cache.url
        started = {}
        for name, empty, workers in (
            ("empty", True, 1),
            ("one", False, 1),
            ("writing", False, 1),
            ("empty, two", True, 2),
            ("two", False, 2),
        ):
            base = bases.copy(size, f"server-{name.replace(', ', '-')}")
            home = folder / name.replace(", ", "-")
            if empty:
                server = empty_server(base, home, workers=workers)
            else:
                server = rekall_server(base, home, workers=workers, redis=redis)
            stack.callback(server.stop)
            started[name] = server
        yield started


def _sides(
    servers: Mapping[str, Server], texts: Texts, size: int, *, workers: int = 1, protocol: str = PROTOCOL
) -> list[Side]:
    """The tool that does nothing, and what is compared with it."""
    numbers = [number * 7919 % size for number in range(_REQUESTS)]  # a prime: groups in no order
    empty, full = ("empty", "one") if workers == 1 else ("empty, two", "two")

    def requests(tool: str, arguments: Callable[[int], Mapping[str, Any]]) -> list[bytes]:
        return [call(tool, arguments(number), number=number, protocol=protocol) for number in numbers]

    def selective(number: int) -> Mapping[str, Any]:
        return {"query": texts.selective(number)}

    def added(number: int) -> Mapping[str, Any]:
        entry = texts.entry(number, version=1)
        context = f"When it happened: {entry.title}. What helped: {entry.content[:200]}"
        given = {"title": entry.title, "type": entry.type, "content": entry.content, "tags": entry.tags}
        return {**given, "context": context}

    def found(number: int) -> set[str]:
        first = number - number % GROUP
        return {texts.entry(place).id for place in range(first, min(first + GROUP, size))}

    return [
        Side(NOTHING, servers[empty], requests("nothing", selective), lambda _, result: bool(result["content"])),
        Side(
            SEARCH,
            servers[full],
            requests("rekall_search", selective),
            lambda number, result: {hit["id"] for hit in _data(result)["results"]} == found(number),
        ),
        Side(
            ADD,
            servers["writing"],
            requests("rekall_add", added),
            lambda number, result: _data(result)["title"] == texts.entry(number, version=1).title,
        ),
        Side(
            SHOW,
            servers[full],
            requests("rekall_show", lambda number: {"id": texts.entry(number).id}),
            lambda number, result: _data(result)["entry"]["content"] == texts.entry(number).content,
        ),
        Side(
            BROAD,
            servers[full],
            requests("rekall_search", lambda number: {"query": texts.broad(number)}),
            # a title without long words is asked for with a word that stands for none
            lambda number, result: bool(_data(result)["results"]) or texts.broad(number) == NO_WORDS,
        ),
    ]


def _data(result: Mapping[str, Any]) -> Mapping[str, Any]:
    data: Mapping[str, Any] = result["structuredContent"]
    return data


def _is_initialized(_number: int, result: Mapping[str, Any]) -> bool:
    return bool(result["serverInfo"]["name"] == "rekall")


def _two_of(sides: Sequence[Side]) -> Sequence[Side]:
    return [side for side in sides if side.name in (NOTHING, SEARCH)]


def _by_turns(bases: Bases, sides: Sequence[Side], clients: int, rounds: int, seconds: float) -> Mapping[str, Figures]:
    """Loads one after the other in every round, so that a busy machine disturbs all alike; another begins each time."""
    bases.progress.start(f"load of {clients} clients", rounds * len(sides))
    kept: dict[str, list[Round]] = {side.name: [] for side in sides}
    for number in range(rounds):
        for place in range(len(sides)):
            side = sides[(number + place) % len(sides)]
            kept[side.name].append(_round(side, clients, seconds))
            bases.progress.step()
    return {name: _figures(taken) for name, taken in kept.items()}


def _round(side: Side, clients: int, seconds: float) -> Round:
    connected = side.server.clients(clients)
    before = side.server.cpu()
    load = connected.run(side.requests, seconds)
    after = side.server.cpu()
    cpu = None if before is None or after is None or not load.latencies else (after - before) / len(load.latencies)
    wrong = sum(not _is_right(side, answer) for answer in load.sample)
    return Round(load, cpu, wrong)


def _is_right(side: Side, answer: Mapping[str, Any]) -> bool:
    try:
        return side.is_right(int(answer["id"]), answer["result"])
    except (KeyError, TypeError, ValueError):
        return False


def _figures(rounds: Sequence[Round]) -> Figures:
    answered = [one for one in rounds if one.load.latencies]
    errors = sum(max(one.load.errors, one.wrong) for one in rounds)
    if not answered:
        raise RuntimeError(f"a server answers none of {errors} calls")
    cpus = [one.cpu for one in answered if one.cpu is not None]
    return Figures(
        statistics.median(one.load.throughput for one in answered),
        1e3 * statistics.median(one.load.percentile(0.50) for one in answered),
        1e3 * statistics.median(one.load.percentile(0.99) for one in answered),
        1e6 * statistics.median(cpus) if cpus else None,
        errors,
        [one.load.throughput for one in rounds],
        [1e3 * one.load.percentile(0.99) if one.load.latencies else None for one in rounds],
    )


def _ratios(ones: Sequence[float | None], others: Sequence[float | None]) -> Sequence[float]:
    """What the one was of the other in each round in which that was measured."""
    return [one / other for one, other in zip(ones, others, strict=True) if one is not None and other]


def _beside_nothing(figures: Mapping[str, Figures], clients: int) -> Iterator[Row]:
    """Throughput, the time of the slowest, and the CPU of a call, each beside that of the empty tool.

    The first two are compared round by round.
    """
    nothing = figures[NOTHING]
    yield Row("server", f"{NOTHING}, {clients} clients", nothing.throughput, "/s", details=nothing._asdict())
    for name, one in figures.items():
        if name == NOTHING:
            continue
        limit = THROUGHPUT_LIMIT if name in _LIMITED else None
        what = f"{name}, {clients} clients"
        base, details = nothing.throughput, one._asdict()
        ratios = _ratios(one.throughputs, nothing.throughputs)
        yield Row("server", what, one.throughput, "/s", NOTHING, base, limit, details, at_least=True, ratios=ratios)
        if name in _LIMITED:
            limit = P99_LIMIT if clients == min(CLIENTS) else None
            ratios = _ratios(one.p99s, nothing.p99s)
            yield Row("server", f"{what}, p99", one.p99, "ms", NOTHING, nothing.p99, limit, ratios=ratios)
            if one.cpu is not None and nothing.cpu is not None:
                yield Row("server", f"{what}, CPU of a call", one.cpu, "us", NOTHING, nothing.cpu)


def _of_older_clients(figures: Mapping[str, Figures], clients: int) -> Iterator[Row]:
    nothing, search, handshake = figures[NOTHING], figures[SEARCH], figures["initialize"]
    what = f"{SEARCH}, {clients} clients of MCP {OLDER_PROTOCOL}"
    details = search._asdict()
    ratios = _ratios(search.throughputs, nothing.throughputs)
    yield Row("server", what, search.throughput, "/s", NOTHING, nothing.throughput, details=details, ratios=ratios)
    what = f"initialize, {clients} clients of MCP {OLDER_PROTOCOL}"
    yield Row("server", what, handshake.throughput, "/s", details=handshake._asdict())


def _of_workers(figures: Mapping[str, Figures], clients: int) -> Iterator[Row]:
    """What a second process gains, round by round, of what it gains the empty tool on this machine."""
    gains = {
        name: statistics.median(_ratios(figures[f"{name}, 2"].throughputs, figures[f"{name}, 1"].throughputs))
        for name in (NOTHING, SEARCH)
    }
    details = {name: one._asdict() for name, one in figures.items()}
    yield Row("server", f"{NOTHING}, 2 workers for 1, {clients} clients", gains[NOTHING], "x")
    limit = min(WORKERS_LIMIT, WORKERS_SHARE * gains[NOTHING])
    what = f"{SEARCH}, 2 workers for 1, {clients} clients"
    yield Row("server", what, gains[SEARCH], "x", limit=round(limit, 3), details=details, at_least=True)
