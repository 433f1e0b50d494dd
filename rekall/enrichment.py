"""What is known of a captured page besides its address: its kind, its language, and its place in the staging area."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from html.parser import HTMLParser

from rekall.errors import IntegrityError
from rekall.models import InboxEntry, StagingEntry, generate_ulid
from rekall.models.captures import read_list, write_list
from rekall.promotion import calculate_promotion_score
from rekall.store import OpenBase
from rekall.urls import extract_domain

CONTENT_TYPE_PATTERNS = {
    "documentation": [
        *(r"docs\.", r"\.readthedocs\.", r"developer\.", r"devdocs\.", r"api\."),
        *("/docs/", "/documentation/", "/reference/", "/guide/", "/manual/"),
    ],
    "repository": [r"github\.com", r"gitlab\.com", r"bitbucket\.org", r"codeberg\.org", r"sr\.ht", r"gitea\."],
    "forum": [
        *(r"stackoverflow\.com", r"stackexchange\.com", r"reddit\.com", r"news\.ycombinator\.com"),
        *(r"discourse\.", r"discuss\.", "/forum/", "/community/"),
    ],
    "blog": [r"medium\.com", r"dev\.to", r"hashnode\.dev", r"substack\.com", "/blog/", "/posts/", "/articles/"],
    "api": ["/api/", "/v1/", "/v2/", "/v3/", "/swagger", "/openapi"],
    "paper": [
        *(r"arxiv\.org", r"papers\.nips\.cc", r"aclanthology\.org", r"semanticscholar\.org"),
        *(r"\.pdf\Z", "/paper/"),
    ],
}
"""Regular expressions by kind of page; the first kind with one that is found in the address wins."""

_TITLE_WORDS = {
    "documentation": re.compile(r"\b(documentation|docs|reference|guide)\b"),
    "api": re.compile(r"\b(api|endpoint)\b"),
}
_HEAD = 65_536
"""Characters of a page in which its html tag is looked for."""


@dataclass
class EnrichmentResult:
    """What became of one captured address.

    Args:
        is_new: a page of its own in the staging area, not merged into one.
        error: why not, None on success.
    """

    success: bool
    staging_id: str | None = None
    title: str | None = None
    description: str | None = None
    content_type: str | None = None
    language: str | None = None
    is_accessible: bool = True
    http_status: int | None = None
    error: str | None = None
    is_new: bool = True


@dataclass
class BatchEnrichmentResult:
    """What became of many.

    Args:
        total_processed: addresses taken from the inbox.
        enriched: those that became new pages.
        merged: those that were known pages.
        errors: address and reason of each failure.
    """

    total_processed: int = 0
    enriched: int = 0
    merged: int = 0
    failed: int = 0
    errors: list[str] = field(default_factory=list)


def classify_content_type(url: str, title: str | None = None) -> str:
    """The kind of a page, one of `VALID_CONTENT_TYPES`, by its address, else by words of its title."""
    url, title = url.lower(), (title or "").lower()
    for kind, patterns in CONTENT_TYPE_PATTERNS.items():
        if any(re.search(pattern, url) for pattern in patterns):
            return kind
    return next((kind for kind, words in _TITLE_WORDS.items() if words.search(title)), "other")


def detect_language(html: str) -> str | None:
    """The language that a page states in its html tag, without its region: `fr` for `fr-CA`."""
    parser = _HtmlTag()
    parser.feed(html[:_HEAD])
    language = (parser.attributes.get("lang") or "").strip().lower().partition("-")[0]
    return language or None


def merge_into_staging(
    db: OpenBase,
    inbox_entry: InboxEntry,
    title: str | None,
    description: str | None,
    content_type: str | None,
    language: str | None,
    is_accessible: bool,
    http_status: int | None,
) -> tuple[StagingEntry, bool]:
    """Give a captured address its page in the staging area, with its promotion score.

    A known page is cited once more: what is empty is filled in, whether it can be reached is written anew. Captures
    that other processes merge at the same time all count.

    Returns:
        (the page as stored, whether it is new).

    Raises:
        ValueError: the address has no domain, or the kind is unknown.
        IntegrityError: the page cannot be stored.
    """
    now = datetime.now()
    seen = StagingEntry(
        id=generate_ulid(),
        url=inbox_entry.url,
        domain=inbox_entry.domain or extract_domain(inbox_entry.url),
        title=title,
        description=description,
        content_type=content_type or "other",
        language=language,
        last_verified=now,
        is_accessible=is_accessible,
        http_status=http_status,
        project_count=1 if inbox_entry.project else 0,
        projects_list=write_list([inbox_entry.project] if inbox_entry.project else []),
        first_seen=inbox_entry.captured_at,
        last_seen=now,
        inbox_ids=write_list([inbox_entry.id]),
        enriched_at=now,
    )
    seen.promotion_score = calculate_promotion_score(seen, now=now)
    pages = db.store.staging
    known = pages.get_staging_by_url(seen.url)
    if known is None:
        try:
            pages.add_staging_entry(seen)
        except IntegrityError:
            known = pages.get_staging_by_url(seen.url)
            if known is None:
                raise
        else:
            return seen, True
    # each further round means that another process has merged a capture meanwhile
    while known is not None:
        merged = _merged(known, seen, now)
        if pages.cite(merged):
            return merged, False
        known = pages.get_staging_by_url(seen.url)
    raise IntegrityError(f"the page {seen.url} was removed while it was enriched: try again")


def _merged(known: StagingEntry, seen: StagingEntry, now: datetime) -> StagingEntry:
    """A page with one capture more."""
    projects = read_list(known.projects_list)
    added = [name for name in read_list(seen.projects_list) if name not in projects]
    merged = replace(
        known,
        title=known.title or seen.title,
        description=known.description or seen.description,
        content_type=seen.content_type if known.content_type in (None, "", "other") else known.content_type,
        language=known.language or seen.language,
        last_verified=seen.last_verified,
        is_accessible=seen.is_accessible,
        http_status=seen.http_status,
        citation_count=known.citation_count + 1,
        # a page of 0.3 may have a count without names
        project_count=max(known.project_count, len(projects) + len(added)),
        projects_list=write_list(projects + added),
        last_seen=now,
        inbox_ids=write_list(dict.fromkeys(read_list(known.inbox_ids) + read_list(seen.inbox_ids))),
        enriched_at=now,
    )
    merged.promotion_score = calculate_promotion_score(merged, now=now)
    return merged


class _HtmlTag(HTMLParser):
    """Keeps the attributes of the first html tag."""

    def __init__(self) -> None:
        super().__init__()
        self.attributes: dict[str, str | None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "html" and not self.attributes:
            self.attributes = dict(attrs)
