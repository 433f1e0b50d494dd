"""What installed distributions say that they bring. Imported, with what it takes, by who selects or lists plug-ins."""

from __future__ import annotations

from importlib.metadata import distributions

from rekall.infra.discovery import Plugin


def installed(kind: str) -> tuple[list[Plugin], list[str]]:
    """The back ends of a kind that distributions bring, sorted, and a line for each distribution that is unreadable."""
    found: dict[str, list[Plugin]] = {}
    unreadable = []
    for one in distributions():
        what = f"a distribution in {one.locate_file('')}"
        try:
            if "rekall.backends." in (one.read_text("entry_points.txt") or ""):
                name, version = one.metadata["Name"], one.version
                if not name:
                    raise ValueError("it has no name")  # as unreadable as the rest
                what = f"{name} {version}"
                points = one.entry_points.select(group=f"rekall.backends.{kind}")
                # of two that are the same distribution, Python imports from the one that comes first
                key = name.lower().replace("_", "-").replace(".", "-")
                found.setdefault(key, [Plugin(kind, each.name, each.value, name, version) for each in points])
        except Exception as error:  # noqa: BLE001  # whatever its files hold
            from rekall.infra.foreign import described

            unreadable.append(f"the entry points of {what} cannot be read ({described(error)}): install it again")
    brought = [plugin for plugins in found.values() for plugin in plugins]
    return sorted(brought, key=lambda plugin: (plugin.name, plugin.distribution)), unreadable
