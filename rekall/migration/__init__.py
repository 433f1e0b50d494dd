"""Sources out of research notes: the addresses in Markdown files, found and imported."""

from rekall.migration.speckit_parser import extract_theme_from_filename, parse_research_file, scan_research_directory

__all__ = ["extract_theme_from_filename", "parse_research_file", "scan_research_directory"]
