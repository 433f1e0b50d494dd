"""Which Rekall the refusal of a back end that is too new tells to install."""

from __future__ import annotations

from typing import Any

import pytest

import rekall
from rekall.errors import ConfigError
from rekall.infra import DefaultCacheBackend
from rekall.infra.versions import Supported, check


def _refusal(minimum: Any) -> str:
    """What is said of a class for interface 2 that states this as its `minimum_rekall`."""
    backend = type("Newer", (DefaultCacheBackend,), {"interface_version": 2, "minimum_rekall": minimum})
    with pytest.raises(ConfigError) as caught:
        check(backend, "it", Supported(1, 1))
    return str(caught.value)


@pytest.mark.parametrize("minimum", ["1.0.1", "1.1", "1.10", "2", "2.0rc1", "10.0"])
def test_a_later_rekall_is_named(minimum: str) -> None:
    """By its version, compared number by number and not as a text."""
    assert _refusal(minimum) == (
        f"it was written for interface 2, this Rekall takes 1: install Rekall {minimum} or later, "
        "or a version of the back end for interface 1"
    )


@pytest.mark.parametrize("version", [True, "1", 1.0, 1.5, None])
def test_a_version_that_is_no_whole_number_is_refused(version: Any) -> None:
    """True is 1 to Python, and says nothing to a person."""
    backend = type("Wrong", (DefaultCacheBackend,), {"interface_version": version})
    with pytest.raises(ConfigError, match=f"its interface_version is {version!r}, not a whole number; tell its author"):
        check(backend, "it", Supported(1, 1))


@pytest.mark.parametrize("minimum", ["1.0", "1", "1.0.0", "0.3", "1.0.0.dev0", rekall.__version__, None, "", "next", 2])
def test_a_rekall_that_would_not_help_is_not_named(minimum: Any) -> None:
    """One that this Rekall is already, or what is no version: what is told is the interface."""
    assert _refusal(minimum) == (
        "it was written for interface 2, this Rekall takes 1: install a Rekall that has interface 2, "
        "or a version of the back end for interface 1"
    )
