"""The themes that sources have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rekall.store.session import Session


class Themes:
    """The themes that sources have: lower case, without blanks around."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_source_theme(self, source_id: str, theme: str) -> bool:
        """Give a source a theme; False when it has it, when there is no such source, and for a blank theme."""
        name = theme_name(theme)
        if not name:
            return False
        sql = (
            "INSERT INTO source_themes(source_id, theme) SELECT id, :theme FROM sources WHERE id = :id"
            " ON CONFLICT(source_id, theme) DO NOTHING"
        )
        return self._session.execute(sql, {"theme": name, "id": source_id}).rowcount > 0

    def get_all_tags_with_counts(self, min_sources: int = 1) -> list[dict[str, Any]]:
        """The same as `list_themes_with_counts`."""
        return self.list_themes_with_counts(min_sources)

    def get_source_themes(self, source_id: str) -> list[str]:
        """The themes of a source, alphabetically."""
        rows = self._session.fetch_all(
            "SELECT theme FROM source_themes WHERE source_id = ? ORDER BY theme", (source_id,)
        )
        return [row["theme"] for row in rows]

    def get_tags_suggestions(self, prefix: str, limit: int = 10) -> list[str]:
        """The themes that begin with `prefix`, in any case; those of most sources first, equal ones alphabetically."""
        rows = self._session.fetch_all(
            "SELECT theme FROM source_themes WHERE theme LIKE ? ESCAPE '\\'"
            " GROUP BY theme ORDER BY count(*) DESC, theme LIMIT ?",
            (f"{like_text(prefix.lower())}%", limit),
        )
        return [row["theme"] for row in rows]

    def list_themes_with_counts(self, min_sources: int = 1) -> list[dict[str, Any]]:
        """The themes of at least so many sources, those of most sources first, equal ones alphabetically.

        Returns:
            For each one `theme`, `count` (sources) and `avg_score` (their mean score, one decimal).
        """
        rows = self._session.fetch_all(
            "SELECT theme, count(*) AS count, avg(sources.personal_score) AS avg_score"
            " FROM source_themes JOIN sources ON sources.id = source_themes.source_id"
            " GROUP BY theme HAVING count(*) >= ? ORDER BY count(*) DESC, theme",
            (min_sources,),
        )
        return [{**row, "avg_score": round(row["avg_score"] or 0.0, 1)} for row in rows]

    def remove_source_theme(self, source_id: str, theme: str) -> bool:
        """Take a theme from a source; tell whether it had it."""
        sql = "DELETE FROM source_themes WHERE source_id = ? AND theme = ?"
        return self._session.execute(sql, (source_id, theme_name(theme))).rowcount > 0


def theme_name(theme: str) -> str:
    """A theme as the file holds it."""
    return theme.strip().lower()


def theme_names(themes: Iterable[str]) -> list[str]:
    """Themes as the file holds them, each once, without blank ones."""
    return list(dict.fromkeys(name for theme in themes if (name := theme_name(theme))))


def like_text(text: str) -> str:
    """A text inside the pattern of a LIKE with ESCAPE '\\': its % and _ stand for themselves."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
