"""Secrets in the texts of others, and in the options of back ends."""

from __future__ import annotations

import pytest

from rekall.hiding import hide_passwords, hide_values, secret_values, without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rqlite://me:hunter2@db:4001 refused", "rqlite://me:***@db:4001 refused"),
        ("redis://:hunter2@db", "redis://:***@db"),
        ("redis://me:hunter@2/@db", "redis://me:***@db"),
        ("at https://me:hunter2@a.b, then https://a.b:80/c", "at https://me:***@a.b, then https://a.b:80/c"),
        ("https://a.b/?q=1&api_key=hunter2&r=2", "https://a.b/?q=1&api_key=***&r=2"),
        ("host=db password='hunter 2' user=me", "host=db password=*** user=me"),
        ("DB_PASSWORD=hunter2; PORT=1", "DB_PASSWORD=***; PORT=1"),
        ("{'host': 'db', 'password': 'hunter2'}", "{'host': 'db', 'password': ***}"),
        ('{"api_key": "hunter2", "port": 1}', '{"api_key": ***, "port": 1}'),
        (r'a text: "{\"token\": \"hunter2\"}"', r'a text: "{\"token\": \***}"'),
        ("password = hunter2 port = 1", "password = *** port = 1"),
        ("user=me pass=hunter2", "user=me pass=***"),
        ("{'Authorization': 'Bearer hunter2'}", "{'Authorization': 'Bearer ***'}"),
        ("sent Authorization: hunter2", "sent Authorization: ***"),
    ],
)
def test_passwords_are_hidden(text: str, shown: str) -> None:
    """Wherever an address or an error of a driver holds one; the rest still says which server it was."""
    assert hide_passwords(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        *("https://a.b:8443/@me/x", "https://a.b:443 me@c.d", "https://me@a.b", "a = b", "x=y"),
        *("no password: set one", "the token has expired", "bypass=1", "authorization failed for me"),
    ],
)
def test_a_text_without_a_password_stays_as_it_is(text: str) -> None:
    """A port is no password."""
    assert hide_passwords(text) == text


def test_a_long_text_is_looked_through_once() -> None:
    """A name that goes on and on is no name: a client may have sent it."""
    text = "password" * 100_000
    assert hide_passwords(text) == text


OPTIONS = {
    "url": "redis://me:hunter%402@db",
    "password": "correct horse",
    "tls": {"client_key": "a.pem"},
    "tokens": ["first", "second"],
    "timeout": 3,
}


def test_options_are_shown_without_their_secrets() -> None:
    """By the name of an option, however deep, and in an address."""
    assert without_secrets(OPTIONS) == {
        "url": "redis://me:***@db",
        "password": "***",
        "tls": {"client_key": "***"},
        "tokens": ["***", "***"],
        "timeout": 3,
    }


def test_what_is_secret_in_options_is_known() -> None:
    """A password of an address also as a driver decodes it."""
    assert {*secret_values(OPTIONS)} == {"hunter%402", "hunter@2", "correct horse", "a.pem", "first", "second"}


def test_a_secret_is_hidden_wherever_it_stands() -> None:
    """A longer one before one that is its beginning; what is too short to be told from a word stays."""
    assert hide_values("no hunter22 here, nor hunter", ["hunter", "hunter22", "no"]) == "no *** here, nor ***"
