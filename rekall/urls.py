"""Addresses as text: one spelling for each, the domain, and the pattern of a site's pages."""

from __future__ import annotations

import re

_TRACKING = frozenset(
    (
        *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"),
        *("fbclid", "gclid", "ref", "source", "mc_cid", "mc_eid"),
    )
)
"""Query parameters that say where a reader came from, not which page it is."""

_SCHEME = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_USUAL_PORTS = re.compile(r"(?:\s|:(?:80|443))+\Z")
_PATH_END = re.compile(r"[/\s]+\Z")


def normalize_url(url: str) -> str:
    """One spelling for the address of a page: https, the host in lower case, nothing that only tracks the reader.

    The usual ports, the fragment, slashes at the end of a path and tracking parameters go; other parameters keep their
    order. A text without http(s) in front is taken to begin with the host.
    """
    user, host, path, query = _split(url)
    path = "/" if path.strip() == "/" else _PATH_END.sub("", path)
    query = "&".join(part for part in query.split("&") if not _tracks(part)).strip()
    return f"https://{user}{host}{path}{'?' if query else ''}{query}".strip()


def extract_domain(url: str) -> str:
    """The host of an address, in lower case and without port; www stays."""
    host = _split(url)[1]
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]


def is_valid_url(url: str) -> bool:
    """Whether an address, with or without a scheme, has a host with a dot in it."""
    domain = extract_domain(url)
    return "." in domain.strip(".") and not re.search(r"\s", domain)


def extract_url_pattern(url: str) -> str | None:
    """The pattern that groups a page with its neighbours: the beginning of its path, then `/*`.

    Two parts of the path in general, where a third follows. Of stackoverflow.com `/questions/*` and `/a/*`, of
    github.com and docs.python.org two parts (a repository, a chapter), of developer.mozilla.org all up to `/docs/`.

    Returns:
        None when the whole domain is the group.
    """
    _, host, path, _ = _split(normalize_url(url))
    parts = [part for part in path.split("/") if part]
    if host == "stackoverflow.com":
        return next((f"{start}*" for start in ("/questions/", "/a/") if path.startswith(start)), None)
    if host == "developer.mozilla.org":
        before, docs, _ = path.partition("/docs/")
        return f"{before}/docs/*" if docs else None
    enough = 2 if host in ("github.com", "docs.python.org") else 3
    return f"/{parts[0]}/{parts[1]}/*" if len(parts) >= enough else None


def _split(url: str) -> tuple[str, str, str, str]:
    """User with its @, host in lower case without a usual port, path, and query; the fragment is left out.

    By hand: `urllib.parse` raises for some texts, takes what has no scheme for a path, and leaves a port out of a host.
    """
    url = url.strip()
    scheme = _SCHEME.match(url)
    rest, _, query = url[scheme.end() if scheme else 0 :].partition("#")[0].partition("?")
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    return user + at, _USUAL_PORTS.sub("", host.lower().strip()), slash + path, query


def _tracks(parameter: str) -> bool:
    name, equals, _ = parameter.partition("=")
    return equals == "=" and name.strip().lower() in _TRACKING
