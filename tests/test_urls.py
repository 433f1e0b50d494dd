"""Addresses of pages as text: one spelling, the domain, the pattern."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rekall.urls import extract_domain, extract_url_pattern, is_valid_url, normalize_url


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://Example.com:80/Path/", "https://example.com/Path"),
        ("HTTPS://EXAMPLE.com:443", "https://example.com"),
        ("example.com", "https://example.com"),
        ("//example.com/a", "https://example.com/a"),
        ("ftp://a", "https://ftp://a"),
        ("", "https://"),
        ("https://a.b/", "https://a.b/"),
        ("https://a.b//", "https://a.b"),
        ("https://a.b:8443/x", "https://a.b:8443/x"),
        ("https://a.b/x#part", "https://a.b/x"),
        ("https://a.b/x/?q=1#part", "https://a.b/x?q=1"),
        ("https://a.b/?z=1&UTM_source=x&a=2&ref=y&fbclid=z", "https://a.b/?z=1&a=2"),
        ("https://a.b/x?utm_source=1&gclid=2", "https://a.b/x"),
        ("https://a.b/x?ref&source&reference=1", "https://a.b/x?ref&source&reference=1"),
        ("https://Me:SeCret@A.b/x", "https://Me:SeCret@a.b/x"),
        ("  https://a.b/x \n", "https://a.b/x"),
    ],
)
def test_one_spelling_for_an_address(url: str, normal: str) -> None:
    """Scheme, host, port, end of the path, fragment and tracking; nothing else is touched."""
    assert normalize_url(url) == normal


PIECES = st.sampled_from(
    [
        "http://",
        "https://",
        "//",
        "a.b",
        "User:Pw@",
        ":80",
        ":443",
        "/",
        "?",
        "&",
        "=",
        "#",
        "utm_source=1",
        " ",
        "x",
        "[",
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=9).map("".join)))
@example("a.b/ /?utm_source=x")
@example("a:80:443 ")
def test_a_normal_address_stays_as_it_is(url: str) -> None:
    """Whatever the text, normalising it again changes nothing, and nothing raises."""
    normal = normalize_url(url)
    assert normal.startswith("https://")
    assert normalize_url(normal) == normal
    assert extract_domain(normal) == extract_domain(url)
    assert extract_url_pattern(normal) == extract_url_pattern(url)


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://WWW.Example.com:8080/x", "www.example.com"),
        ("example.com/x", "example.com"),
        ("https://user:password@example.com/x", "example.com"),
        ("http://[2001:DB8::1]:8080/x", "[2001:db8::1]"),
        ("", ""),
    ],
)
def test_the_domain(url: str, domain: str) -> None:
    """The host alone: no port, and not the name of a user in front of it."""
    assert extract_domain(url) == domain


@pytest.mark.parametrize(
    ("url", "valid"),
    [
        ("https://example.com", True),
        ("example.com/x", True),
        ("https://localhost:8080/x.html", False),
        ("https://", False),
        ("", False),
        ("ftp://example.com", False),
        ("two words.", False),
        ("a sentence. and more", False),
        ("https://./x", False),
    ],
)
def test_what_is_an_address(url: str, valid: bool) -> None:
    """A host with a dot in it; the scheme is optional."""
    assert is_valid_url(url) is valid


@pytest.mark.parametrize(
    ("url", "pattern"),
    [
        ("https://stackoverflow.com/questions/1/title", "/questions/*"),
        ("https://stackoverflow.com/a/12", "/a/*"),
        ("https://stackoverflow.com/users/1/name", None),
        ("https://github.com/owner/repo", "/owner/repo/*"),
        ("https://github.com/owner/repo/issues/1", "/owner/repo/*"),
        ("https://github.com/owner", None),
        ("https://docs.python.org/3/library/sqlite3.html", "/3/library/*"),
        ("https://docs.python.org/3/", None),
        ("https://developer.mozilla.org/en-US/docs/Web/API", "/en-US/docs/*"),
        ("https://developer.mozilla.org/docs/Web", "/docs/*"),
        ("https://developer.mozilla.org/en-US/play", None),
        ("http://Example.com:80/a/b/c?x=1", "/a/b/*"),
        ("https://example.com/a/b/", None),
        ("https://example.com/", None),
        ("https://example.com", None),
        ("", None),
    ],
)
def test_the_pattern(url: str, pattern: str | None) -> None:
    """The neighbours of a page by the rules of known sites, else by two parts of the path where a third follows."""
    assert extract_url_pattern(url) == pattern
