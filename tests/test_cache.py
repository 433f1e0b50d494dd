"""The embedding cache of 0.3: the same answers, minus its faults, on whatever cache back end is in use."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from support import processes
from support.failing import FakeTime

from rekall import cache as facade
from rekall import config
from rekall.cache import EmbeddingCache, get_embedding_cache, reset_embedding_cache
from rekall.infra import DefaultCacheBackend, get_cache, register_backend


@pytest.fixture(autouse=True)
def _forgotten() -> Any:
    reset_embedding_cache()
    yield
    reset_embedding_cache()


def _cache(maxsize: int = 3, ttl: int = 600) -> tuple[EmbeddingCache, FakeTime]:
    time = FakeTime()
    register_backend("cache", DefaultCacheBackend(clock=time.clock))
    return EmbeddingCache(maxsize, ttl, clock=time.clock), time


def _vector(*numbers: float) -> Any:
    return np.array(numbers, dtype=np.float32)


@pytest.mark.parametrize(
    "vector",
    [
        _vector(1.5, -2.5, 0.0),
        np.arange(4, dtype=np.float64),
        np.arange(6, dtype=np.int32).reshape(2, 3),
        np.arange(6, dtype=np.float32)[::2],
        [0.25, 0.5],
        _vector(),
        3.0,
    ],
    ids=repr,
)
def test_a_vector_comes_back_as_32_bit_floats(vector: Any) -> None:
    """Its shape stays, whatever it was made of."""
    cache, _ = _cache()
    cache.put("a", vector)
    got = cache.get("a")
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, np.asarray(vector, dtype=np.float32))


def test_a_cached_vector_is_a_copy() -> None:
    """Changing what was put, or what was got, changes nothing in the cache."""
    cache, _ = _cache()
    vector = _vector(1, 2)
    cache.put("a", vector)
    vector[0] = 9
    cache.get("a")[1] = 9
    np.testing.assert_array_equal(cache.get("a"), [1, 2])


def test_a_miss_is_none() -> None:
    """As are `in` and `len` of an empty cache, and invalidating what is not there."""
    cache, _ = _cache()
    assert cache.get("a") is None
    assert ("a" in cache, len(cache), cache.invalidate("a")) == (False, 0, False)


def test_the_least_recently_used_leaves_first() -> None:
    """A hit moves to the end, as does putting again."""
    cache, _ = _cache(3)
    for name in "abc":
        cache.put(name, _vector(1))
    cache.get("a")
    cache.put("b", _vector(2))
    cache.put("d", _vector(3))
    assert {name for name in "abcd" if name in cache} == {"a", "b", "d"}
    assert len(cache) == 3


@pytest.mark.fault(12)
@pytest.mark.parametrize("maxsize", [0, -1])
def test_a_cache_of_nothing_keeps_nothing(maxsize: int) -> None:
    """0.3 raised a KeyError."""
    cache, _ = _cache(maxsize)
    cache.put("a", _vector(1))
    assert (cache.get("a"), len(cache), cache.get_all_as_matrix()) == (None, 0, None)


def test_what_is_older_than_its_lifetime_is_removed_when_it_is_met() -> None:
    """Until then `in` and `len` count it, as in 0.3."""
    cache, time = _cache(ttl=10)
    cache.put("a", _vector(1))
    time.sleep(11)
    assert ("a" in cache, len(cache)) == (True, 1)
    assert cache.get("a") is None
    assert ("a" in cache, len(cache)) == (False, 0)


def test_a_hit_does_not_lengthen_the_lifetime() -> None:
    """Putting does."""
    cache, time = _cache(ttl=10)
    cache.put("a", _vector(1))
    cache.put("b", _vector(1))
    time.sleep(9)
    assert cache.get("a") is not None
    cache.put("b", _vector(2))
    time.sleep(9)
    assert cache.get("a") is None
    np.testing.assert_array_equal(cache.get("b"), [2])


def test_the_matrix_holds_all_in_the_order_of_use() -> None:
    """One row for each id, the least recently used first; the same objects until something changes."""
    cache, _ = _cache()
    assert cache.get_all_as_matrix() is None
    cache.put("a", _vector(1, 2))
    cache.put("b", _vector(3, 4))
    cache.get("a")
    first = cache.get_all_as_matrix()
    assert first is not None
    matrix, ids = first
    assert (matrix.tolist(), matrix.dtype, ids) == ([[3, 4], [1, 2]], np.float32, ["b", "a"])
    cache.get("b")
    again = cache.get_all_as_matrix()
    assert again is not None
    assert again[0] is matrix
    assert again[1] is ids


@pytest.mark.parametrize("change", ["put", "invalidate", "clear"])
def test_a_change_makes_the_matrix_anew(change: str) -> None:
    """And `stats` tells beforehand."""
    cache, _ = _cache()
    cache.put("a", _vector(1))
    cache.put("b", _vector(2))
    cache.get_all_as_matrix()
    assert cache.stats == {"size": 2, "maxsize": 3, "ttl": 600, "matrix_valid": True}
    if change == "put":
        cache.put("a", _vector(9))
    elif change == "invalidate":
        assert cache.invalidate("a")
    else:
        cache.clear()
    assert cache.stats["matrix_valid"] is False
    matrix = cache.get_all_as_matrix()
    expected = {"put": ([[2], [9]], ["b", "a"]), "invalidate": ([[2]], ["b"]), "clear": None}[change]
    assert (matrix if matrix is None else (matrix[0].tolist(), matrix[1])) == expected


@pytest.mark.fault(12)
def test_the_matrix_respects_the_lifetime() -> None:
    """In 0.3 it held vectors for ever, as long as nothing was put."""
    cache, time = _cache(ttl=10)
    cache.put("old", _vector(1))
    time.sleep(6)
    cache.put("new", _vector(2))
    assert cache.get_all_as_matrix() is not None
    time.sleep(6)
    assert cache.stats["matrix_valid"] is False
    matrix = cache.get_all_as_matrix()
    assert matrix is not None
    assert (matrix[0].tolist(), matrix[1], len(cache)) == ([[2]], ["new"], 1)
    time.sleep(6)
    assert cache.get_all_as_matrix() is None
    assert cache.stats == {"size": 0, "maxsize": 3, "ttl": 10, "matrix_valid": True}


def test_a_value_that_the_back_end_dropped_is_a_miss() -> None:
    """It is forgotten here too, for `get` and for the matrix."""
    register_backend("cache", DefaultCacheBackend(2))
    cache = EmbeddingCache(10)
    for name in "abcd":
        cache.put(name, _vector(ord(name)))
    assert cache.get("a") is None
    assert "a" not in cache
    matrix = cache.get_all_as_matrix()
    assert matrix is not None
    assert matrix[1] == ["c", "d"]
    get_cache().clear()
    assert [cache.get(name) for name in "cd"] == [None, None]


def test_instances_share_a_back_end_and_no_value() -> None:
    """Each has a prefix of its own, and clearing one leaves the others, and everything else, alone."""
    one, _ = _cache()
    other = EmbeddingCache()
    get_cache().set("someone's", 1)
    one.put("a", _vector(1))
    other.put("a", _vector(2))
    one.clear()
    assert one.get("a") is None
    np.testing.assert_array_equal(other.get("a"), [2])
    assert get_cache().get("someone's") == 1


def test_what_is_evicted_leaves_the_back_end_too() -> None:
    """No vector stays behind that nobody can ask for."""

    class Counting(DefaultCacheBackend):
        keys: set[str] = set()  # noqa: RUF012  # one instance, in this test alone

        def set(self, key: str, value: Any, ttl: float | None = None) -> None:
            self.keys.add(key)
            super().set(key, value, ttl)

        def delete(self, key: str) -> bool:
            self.keys.discard(key)
            return super().delete(key)

    backend = Counting()
    register_backend("cache", backend)
    cache = EmbeddingCache(2)
    for name in "abcd":
        cache.put(name, _vector(1))
    assert len(backend.keys) == 2
    cache.invalidate("c")
    cache.clear()
    assert backend.keys == set()


def test_the_cache_of_the_process_takes_its_first_arguments() -> None:
    """Later ones have no effect; 0 and None mean the configured values."""
    current = config.get_config()
    current.perf_cache_max_size, current.perf_cache_ttl_seconds = 7, 70
    cache = get_embedding_cache(0, None)
    assert (cache.maxsize, cache.ttl) == (7, 70)
    assert get_embedding_cache(5, 5) is cache
    reset_embedding_cache()
    other = get_embedding_cache(5, 6)
    assert other is not cache
    assert (other.maxsize, other.ttl) == (5, 6)
    assert facade._embedding_cache is other


def test_threads_share_the_cache_of_the_process() -> None:
    """Eight threads at once put, get and assemble, and none fails."""
    cache = get_embedding_cache(20, 60)
    failures: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            for n in range(200):
                get_embedding_cache().put(f"{thread}-{n % 5}", _vector(thread, n))
                got = cache.get(f"{thread}-{n % 5}")
                assert got is None or got.tolist() == [thread, n]
                cache.get_all_as_matrix()
                cache.invalidate(f"{thread}-{(n + 3) % 5}")
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(cache) <= 20


def test_numpy_is_imported_with_the_first_vector() -> None:
    """It is optional: importing, asking and clearing do without it."""
    printed = processes.run(
        "import sys; from rekall.cache import get_embedding_cache; cache = get_embedding_cache(); cache.get('a')\n"
        "cache.clear(); cache.get_all_as_matrix(); cache.stats; print('numpy' in sys.modules)\n"
        "cache.put('a', [1.0]); print('numpy' in sys.modules, cache.get('a').tolist())\n"
    )
    assert printed == "False\nTrue [1.0]\n"
