"""Where Redis is: the URL of the configuration, checked, as redis-py takes it. No message shows a part of it.

A password in a URL that is written wrongly may stand anywhere in it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection, parse_url
from redis.exceptions import RedisError

from rekall.errors import ConfigError

SETTING = "redis_url (in config.toml: url under [backends.cache_options])"
"""What a person corrects."""
FORM = "redis://USER:PASSWORD@HOST:PORT/DATABASE"
ConnectionClass = type[Connection] | type[UnixDomainSocketConnection]
_CLASSES: Mapping[str, ConnectionClass] = {
    "redis": Connection,
    "rediss": SSLConnection,
    "unix": UnixDomainSocketConnection,
}
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_ca_path")


class Address(NamedTuple):
    """Where Redis is.

    Args:
        place: host and port, or the path of a socket, for messages.
        connection_class: what speaks to it.
        arguments: keywords of that class, the password among them.
    """

    place: str
    connection_class: ConnectionClass
    arguments: dict[str, Any]


def address(url: str) -> Address:
    """The address that a URL gives: `redis://`, `rediss://` (TLS) or `unix://`.

    Args:
        url: with user, password, host, port and the number of the database; of what may stand after `?` it takes `db`
            and, with `rediss://`, the `ssl_` parameters of redis-py.

    Raises:
        ConfigError: it is not one.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # its text repeats what may be a part of the password
        raise _wrong("its host or port cannot be read: a port is a number from 1 to 65535") from None
    if parts.scheme not in _CLASSES or "://" not in url:
        raise _wrong("it begins with none of redis://, rediss:// and unix://")
    if parts.fragment:
        raise _wrong("it has a '#'")
    if port == 0:
        raise _wrong("its port is 0: give a number from 1 to 65535")
    if parts.scheme == "unix":
        if not parts.path.strip("/"):
            raise _wrong("it has no path of a socket: unix:///run/redis/redis.sock?db=0")
        place = unquote(parts.path)
    else:
        if not parts.hostname:
            raise _wrong("it has no host")
        place = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        place += f":{port or 6379}"
    return _checked(url, parts, place)


def _checked(url: str, parts: SplitResult, place: str) -> Address:
    """The address of a URL whose host is right, once the rest is."""
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    database = query.get("db", "") if parts.scheme == "unix" else query.get("db", parts.path.strip("/"))
    if database and not (database.isascii() and database.isdigit()):
        raise _wrong("its database is not a number from 0 up")
    chosen = _CLASSES[parts.scheme]
    taken = {name for name in inspect.signature(SSLConnection).parameters if name.startswith("ssl_")}
    known = {"db", *(taken if chosen is SSLConnection else ())}
    unknown = sorted(set(query) - known)
    if unknown:
        # the name, as far as it is one: what stands there may be the rest of a password
        name = unknown[0] if unknown[0].isidentifier() and len(unknown[0]) < 30 and "@" not in url else "what it has"
        raise _wrong(f"{name} after '?' is not known: it takes {', '.join(sorted(known))}")
    missing = next((name for name in _FILES if name in query and not Path(query[name]).exists()), None)
    if missing is not None:
        raise _wrong(f"there is no such file as its {missing} names")
    try:
        arguments = parse_url(url)  # type: ignore[no-untyped-call]  # redis-py's, without types
        arguments.pop("connection_class", None)
        chosen(**arguments)  # nothing is opened yet
    except (ValueError, TypeError, RedisError):
        raise _wrong("one of its parameters has a value that redis-py does not take") from None
    return Address(place, chosen, arguments)


def _wrong(reason: str) -> ConfigError:
    advice = "in a password / ? # @ and : are written as %2F %3F %23 %40 and %3A"
    return ConfigError(f"url is no URL of Redis: {reason}; give {FORM}, where {advice}")
