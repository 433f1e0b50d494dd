"""The addresses in research notes: Markdown files, each about one theme, such as Spec Kit keeps them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rekall import urls
from rekall.urls import extract_url_pattern

__all__ = [
    "ParseResult",
    "ParsedSource",
    "extract_domain",
    "extract_theme_from_filename",
    "extract_url_pattern",
    "parse_research_file",
    "scan_research_directory",
]

_ADDRESS = re.compile(r"https?://[^\s<>\"`{}|\\^\[\]]+", re.IGNORECASE)
_PUNCTUATION = ".,;:!?'*_~\u2019\u201d\u00bb\u2026"
_NUMBER_IN_FRONT = re.compile(r"(?:\d+[._\s-]+)+(?=\S)")
_BETWEEN_WORDS = re.compile(r"[\s_]+")


@dataclass
class ParsedSource:
    """An address found in a file.

    Args:
        url: the address as the file has it.
        url_pattern: see `rekall.urls.extract_url_pattern`; None when the domain as a whole is the source.
        line_number: counted from 1.
    """

    domain: str
    url: str | None = None
    url_pattern: str | None = None
    theme: str = ""
    origin_file: str = ""
    line_number: int = 0


@dataclass
class ParseResult:
    """What was found in a file, and what in it could not be used, one sentence each."""

    file_path: str
    theme: str
    sources: list[ParsedSource] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def extract_domain(url: str) -> str | None:
    """The domain of an address, None when its host is a number or has no dot."""
    domain = urls.extract_domain(url)
    return domain if urls.is_valid_url(url) and not domain.rpartition(".")[2].isdigit() else None


def extract_theme_from_filename(filename: str) -> str:
    """The theme of a file: its name in lower case, words joined by hyphens, without ending and number in front."""
    stem = Path(filename).stem.lower()
    number = _NUMBER_IN_FRONT.match(stem)
    return _BETWEEN_WORDS.sub("-", stem[number.end() if number else 0 :]).strip("-")


def parse_research_file(file_path: Path) -> ParseResult:
    """Find every http(s) address of a Markdown file: links, references, tables, bare ones and those in code.

    Returns:
        One source for each address and line. A file that cannot be read, a line that is not UTF-8, and an address
        without a domain (localhost, a number) are errors of the result; nothing is raised.
    """
    result = ParseResult(str(file_path), extract_theme_from_filename(file_path.name))
    try:
        lines = file_path.read_bytes().splitlines()
    except OSError as error:
        result.errors.append(f"{file_path} cannot be read: {error.strerror or error}")
        return result
    for number, line in enumerate(lines, start=1):
        try:
            addresses = dict.fromkeys(_addresses(line.decode("utf-8")))
        except UnicodeDecodeError:
            result.errors.append(f"{file_path}, line {number}: not UTF-8, left out")
            continue
        for url in addresses:
            domain = extract_domain(url)
            if domain is None:
                result.errors.append(f"{file_path}, line {number}: {url} has no domain, left out")
                continue
            pattern = extract_url_pattern(url)
            result.sources.append(ParsedSource(domain, url, pattern, result.theme, result.file_path, number))
    return result


def default_directory() -> Path:
    """Where Spec Kit keeps its notes: `~/.speckit/research`."""
    return Path.home() / ".speckit" / "research"


def scan_research_directory(directory: Path | None = None, pattern: str = "*.md") -> list[ParseResult]:
    """Parse the files of a directory, in the order of their names; a directory that is not there has none.

    Args:
        directory: `default_directory()` if left out.
        pattern: which files.
    """
    folder = default_directory() if directory is None else directory
    return [parse_research_file(file) for file in sorted(folder.glob(pattern)) if file.is_file()]


def _addresses(line: str) -> Iterator[str]:
    for found in _ADDRESS.findall(line):
        url = _without_what_follows(found)
        if len(url) > len("https://"):
            yield url


def _without_what_follows(text: str) -> str:
    """Cut where the parenthesis around an address closes, and before the punctuation of its sentence."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            text = text[:position]
            break
    return text.rstrip(_PUNCTUATION)
