"""The link graph of an entry as a text tree."""

from __future__ import annotations

from dataclasses import dataclass, field

from rekall.models import Entry, Link
from rekall.store import Store

TITLE_WIDTH = 40
MAX_CLICKABLE = 9
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
    graph = load(store, entry_id, max_depth)
    if graph is None:
        return f"Entry not found: {entry_id}"
    drawing = _Drawing(graph, max_depth, make_clickable)
    text = drawing.draw(show_incoming, show_outgoing)
    return (text, drawing.ids) if make_clickable else text


class _Drawing:
    def __init__(self, graph: Graph, max_depth: int, clickable: bool) -> None:
        from rich.markup import escape  # only a graph needs it, and rich is heavy

        self._escape = escape
        self._graph = graph
        self._max_depth = max_depth
        self._clickable = clickable
        self._visited: set[str] = set()
        self._lines: list[str] = []
        self.ids: list[str] = []

    def draw(self, show_incoming: bool, show_outgoing: bool) -> str:
        root = self._graph.root
        self._visited.add(root.id)
        self._lines = [f"[bold cyan]{self._escape(root.title)}[/bold cyan]", f"[dim]{root.id}[/dim]", ""]
        branches = [(link, True) for link in self._graph.outgoing.get(root.id, []) if show_outgoing]
        branches += [(link, False) for link in self._graph.incoming.get(root.id, []) if show_incoming]
        self._branches(branches, " ", 1)
        if not branches:
            self._lines.append("[dim](no links)[/dim]")
        return "\n".join(self._lines)

    def _branches(self, branches: list[tuple[Link, bool]], indent: str, level: int) -> None:
        for position, (link, outgoing) in enumerate(branches):
            last = position == len(branches) - 1
            self._branch(link, outgoing, indent, "╰" if last else "├")
            end = link.target_id if outgoing else link.source_id
            if level < self._max_depth and end not in self._visited:
                self._visited.add(end)
                ends = self._graph.outgoing if outgoing else self._graph.incoming
                deeper = [
                    (below, outgoing)
                    for below in ends.get(end, [])
                    if (below.target_id if outgoing else below.source_id) not in self._visited
                ]
                self._branches(deeper, indent + ("   " if last else "│  "), level + 1)

    def _branch(self, link: Link, outgoing: bool, indent: str, corner: str) -> None:
        end = link.target_id if outgoing else link.source_id
        entry = self._graph.entries.get(end)
        title = entry.title if entry else "(missing)"
        arrow = "─→" if outgoing else "─←"
        relation = f"[{_STYLES[link.relation_type]}] {link.relation_type} [/{_STYLES[link.relation_type]}]"
        self._lines.append(f"{indent}{corner}{arrow} {relation} [bold]{self._escape(title[:TITLE_WIDTH])}[/bold]")
        below = f"{indent}{'│' if corner == '├' else ' '}   "
        if self._clickable and len(self.ids) < MAX_CLICKABLE:
            self.ids.append(end)
            self._lines.append(f"{below}[dim]\\[{len(self.ids)}] {end}[/dim]")
        else:
            self._lines.append(f"{below}[dim]({end})[/dim]")
        if link.reason:
            self._lines.append(f"{below}[dim italic]→ {self._escape(link.reason)}[/dim italic]")
