"""The link graph of an entry as a text tree."""

from __future__ import annotations

from dataclasses import dataclass, field

from rekall.models import Entry, Link
from rekall.store import Store

TITLE_WIDTH = 40
MAX_CLICKABLE = 9
MAX_DEPTH = 100
"""Levels drawn at most, whatever is asked for."""
_STYLES = {
    "related": "white on blue",
    "supersedes": "black on yellow",
    "derived_from": "white on green",
    "contradicts": "white on red",
}


@dataclass
class Graph:
    """What `load` collects around an entry: the entries by id, and the links at both of their ends."""

    root: Entry
    entries: dict[str, Entry]
    outgoing: dict[str, list[Link]] = field(default_factory=dict)
    incoming: dict[str, list[Link]] = field(default_factory=dict)


def load(store: Store, entry_id: str, max_depth: int) -> Graph | None:
    """Read the surroundings of an entry, two queries a level; None when there is no such entry."""
    root = store.entries.get(entry_id, update_access=False)
    if root is None:
        return None
    graph = Graph(root, {entry_id: root})
    frontier, seen = [entry_id], set[str]()
    for _ in range(max(1, max_depth)):
        links = [link for link in store.links.links_among(frontier) if link.id not in seen]
        seen.update(link.id for link in links)
        for link in links:
            graph.outgoing.setdefault(link.source_id, []).append(link)
            graph.incoming.setdefault(link.target_id, []).append(link)
        frontier = sorted({end for link in links for end in (link.source_id, link.target_id)} - set(graph.entries))
        if not frontier:
            break
        graph.entries.update(store.entries.get_many(frontier))
    return graph


def render_graph_ascii(
    store: Store,
    entry_id: str,
    max_depth: int = 2,
    show_incoming: bool = True,
    show_outgoing: bool = True,
    make_clickable: bool = False,
) -> str | tuple[str, list[str]]:
    """Draw the links around an entry as a tree in Rich markup; titles are escaped.

    Args:
        max_depth: levels drawn; 0 and 1 both draw the direct links.
        make_clickable: number up to nine branches and return their ids as well.

    Returns:
        The text, with `make_clickable` (text, ids in the order drawn); for an unknown id a plain text that says so.
    """
    max_depth = min(max_depth, MAX_DEPTH)
    graph = load(store, entry_id, max_depth)
    if graph is None:
        return f"Entry not found: {entry_id}"
    drawing = _Drawing(graph.root, graph.entries, make_clickable)
    text = drawing.draw(_branches(graph, max_depth, show_incoming, show_outgoing))
    return (text, drawing.ids) if make_clickable else text


@dataclass
class _Branch:
    """One link as it is drawn, with what hangs on its other end."""

    link: Link
    end: str
    outgoing: bool
    below: list[_Branch] = field(default_factory=list)


def _branches(graph: Graph, max_depth: int, show_incoming: bool, show_outgoing: bool) -> list[_Branch]:
    """The tree to draw, outgoing links first.

    Further down a branch keeps the direction of its first link. No entry is expanded twice, and below the first level
    none is drawn twice.
    """
    drawn = {graph.root.id}

    def links_of(entry_id: str, outgoing: bool) -> list[_Branch]:
        links = (graph.outgoing if outgoing else graph.incoming).get(entry_id, [])
        return [_Branch(link, link.target_id if outgoing else link.source_id, outgoing) for link in links]

    def expand(branch: _Branch, level: int) -> None:
        drawn.add(branch.end)
        if level >= max_depth:
            return
        for below in links_of(branch.end, branch.outgoing):
            if below.end not in drawn:
                branch.below.append(below)
                expand(below, level + 1)

    shown = [direction for direction, wanted in ((True, show_outgoing), (False, show_incoming)) if wanted]
    first = [branch for outgoing in shown for branch in links_of(graph.root.id, outgoing)]
    for branch in first:
        if branch.end not in drawn:
            expand(branch, 1)
    return first


class _Drawing:
    def __init__(self, root: Entry, entries: dict[str, Entry], clickable: bool) -> None:
        from rich.markup import escape  # only a graph needs it, and rich is heavy

        self._escape = escape
        self._entries = entries
        self._clickable = clickable
        self._lines = [f"[bold cyan]{escape(root.title)}[/bold cyan]", f"[dim]{escape(root.id)}[/dim]", ""]
        self.ids: list[str] = []

    def draw(self, branches: list[_Branch]) -> str:
        for branch in branches:
            last = branch is branches[-1]
            bar = "  " if last else " │"
            self._branch(branch, " ╰" if last else " ├", bar + "   ")
            self._below(branch.below, bar + " ")
        if not branches:
            self._lines.append("[dim](no links)[/dim]")
        return "\n".join(self._lines)

    def _below(self, branches: list[_Branch], indent: str) -> None:
        for branch in branches:
            last = branch is branches[-1]
            self._branch(branch, indent + ("╰" if last else "├"), indent + (" " if last else "│") + "    ")
            self._below(branch.below, indent + ("   " if last else "│  "))

    def _branch(self, branch: _Branch, corner: str, indent: str) -> None:
        entry = self._entries.get(branch.end)
        title = self._escape(entry.title[:TITLE_WIDTH] if entry else "(missing)")
        relation, arrow = branch.link.relation_type, "─→" if branch.outgoing else "─←"
        self._lines.append(
            f"{corner}{arrow} [{_STYLES[relation]}] {relation} [/{_STYLES[relation]}] [bold]{title}[/bold]"
        )
        if self._clickable and len(self.ids) < MAX_CLICKABLE:
            self.ids.append(branch.end)
            self._lines.append(f"{indent}[dim]\\[{len(self.ids)}] {self._escape(branch.end)}[/dim]")
        else:
            self._lines.append(f"{indent}[dim]({self._escape(branch.end)})[/dim]")
        if branch.link.reason:
            self._lines.append(f"{indent}[dim italic]→ {self._escape(branch.link.reason)}[/dim italic]")
