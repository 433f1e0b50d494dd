"""Which addresses are public, in every form in which a private one can be written."""

from __future__ import annotations

import ipaddress
import socket
import time
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rekall.addresses import ask_system, is_public, resolve
from rekall.errors import FetchError

PRIVATE_V4 = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *("224.0.0.0/4", "240.0.0.0/4"),
)
PRIVATE_V6 = (
    *("::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:2::/48", "2001:db8::/32", "2002::/16", "3fff::/20"),
    *("5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
)


def _inside(networks: tuple[str, ...], version: type[IPv4Address | IPv6Address]) -> st.SearchStrategy[str]:
    def addresses(network: str) -> st.SearchStrategy[str]:
        parsed = ipaddress.ip_network(network)
        return st.integers(int(parsed[0]), int(parsed[-1])).map(lambda number: str(version(number)))

    return st.sampled_from(networks).flatmap(addresses)


private_v4 = _inside(PRIVATE_V4, IPv4Address)
private_v6 = _inside(PRIVATE_V6, IPv6Address)
public_v4 = st.sampled_from(
    ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "192.0.1.1", "198.20.0.1", "223.255.255.1"]
)


def _forms_in_v6(address: str) -> list[str]:
    number = int(IPv4Address(address))
    return [
        f"::ffff:{address}",
        f"::{address}",
        f"64:ff9b::{address}",
        str(IPv6Address((0x2002 << 112) | (number << 80))),
    ]


@pytest.mark.fault(51)
@given(private_v4)
@example("169.254.169.254")
@example("255.255.255.255")
def test_no_private_ipv4_address_is_public(address: str) -> None:
    """Nor is any IPv6 form of one."""
    assert not is_public(address)
    assert [form for form in _forms_in_v6(address) if is_public(form)] == []


@given(private_v6)
@example("::1")
@example("::")
def test_no_private_ipv6_address_is_public(address: str) -> None:
    """Loopback, link-local, unique local, documentation, multicast, Teredo, 6to4 and what is not assigned."""
    assert not is_public(address)


@pytest.mark.fault(51)
@given(public_v4)
def test_public_addresses_are_public(address: str) -> None:
    """With the mapped and the translated form, but in no form whose way is not known; 10 anywhere else is no sign."""
    mapped, compatible, translated, six_to_four = _forms_in_v6(address)
    assert is_public(address)
    assert is_public(mapped)
    assert is_public(translated)
    assert not is_public(compatible)
    assert not is_public(six_to_four)
    assert is_public("110.10.10.10")
    assert is_public("2606:4700:4700::1111")
    assert not is_public("2606:4700:4700::1111%1")


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "0x7f.1", "0177.0.0.1", "2130706433", "0x7f000001", "017700000001", "0", "::1"),
        *("localhost", "::ffff:127.0.0.1", "10.0.0.1", "fe80::1", "169.254.169.254"),
    ],
)
def test_a_host_is_judged_by_where_it_is(host: str) -> None:
    """However its number is written: what counts is what the system would connect to."""
    with pytest.raises(FetchError, match=r"not a public address: it was not contacted") as refused:
        resolve(host, 80, timeout=10)
    assert refused.value.reason == "refused"
    assert resolve(host, 80, timeout=10, allow_private=True)


@given(st.lists(public_v4, max_size=3), private_v4 | private_v6, st.lists(public_v4, max_size=3))
def test_one_private_address_is_enough(before: list[str], private: str, after: list[str]) -> None:
    """A host with public addresses and a private one among them is refused whole."""
    with pytest.raises(FetchError) as refused:
        resolve("mixed.example", 443, timeout=5, ask=lambda host, port: [*before, private, *after])
    assert refused.value.reason == "refused"
    assert private in str(refused.value)


def test_addresses_keep_their_order() -> None:
    """The system's first choice is tried first."""
    found = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"]
    assert resolve("good.example", 443, timeout=5, ask=lambda host, port: found) == found


def test_an_unknown_name() -> None:
    """A name that cannot exist, an empty answer, and one that is no name."""
    for ask, host in (
        (ask_system, "no-such-host.invalid"),
        (lambda host, port: [], "empty.example"),
        (ask_system, "x" * 64 + ".example"),
        (ask_system, "a..example"),
    ):
        with pytest.raises(FetchError) as unknown:
            resolve(host, 80, timeout=10, ask=ask)
        assert unknown.value.reason == "unresolved", host
        assert len(str(unknown.value).splitlines()) == 1


def test_a_slow_resolver() -> None:
    """The system's resolver has no time limit; the check has."""

    def slow(host: str, port: int) -> list[str]:
        time.sleep(10)
        raise socket.gaierror("late")

    began = time.monotonic()
    with pytest.raises(FetchError) as late:
        resolve("slow.example", 80, timeout=0.1, ask=slow)
    assert late.value.reason == "timeout"
    assert time.monotonic() - began < 8


def test_what_is_no_address() -> None:
    """`is_public` is for numbers; a name has to be resolved first."""
    with pytest.raises(ValueError, match="example"):
        is_public("example.com")
