"""Back ends that other distributions bring: found by their entry points, imported when one is chosen.

Looking for them imports none of them. What is wrong with one is told in one line that names it, its distribution and
what to install.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rekall.errors import ConfigError
from rekall.infra.interfaces import KINDS

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class Plugin(NamedTuple):
    """A back end that a distribution brings, not imported yet.

    Args:
        kind: `database` or `cache`.
        name: what config selects it by.
        point: its entry point.
    """

    kind: str
    name: str
    point: EntryPoint

    @property
    def distribution(self) -> str:
        """Name and version of what brings it, as `acme-rekall 0.1`."""
        return f"{self.point.dist.name} {self.point.dist.version}" if self.point.dist else "a distribution without name"

    @property
    def what(self) -> str:
        """The back end as errors call it."""
        return f"the {self.kind} back end {self.name} of {self.distribution}"

    def load(self) -> Any:
        """Its class, imported.

        Raises:
            ConfigError: it cannot be imported, or is no such back end.
        """
        try:
            backend = self.point.load()
        except (Exception, SystemExit) as error:  # whatever the module of another distribution does at its import
            raise ConfigError(
                f"{self.what} ({self.point.value}) cannot be imported: {type(error).__name__}: {error}; "
                "mend or uninstall it, or select another back end"
            ) from error
        interface = KINDS[self.kind]
        if not (isinstance(backend, type) and issubclass(backend, interface)):
            raise ConfigError(f"{self.what}: {self.point.value} is no class that derives from {interface.__name__}")
        return backend


def plugins(kind: str, name: str | None = None) -> list[Plugin]:
    """The back ends of a kind that installed distributions bring, sorted; all of them, or those of a name.

    Raises:
        ConfigError: what the distributions bring cannot be read.
    """
    from importlib.metadata import entry_points  # only who selects a plug-in pays for it

    try:
        found = entry_points(group=f"rekall.backends.{kind}")
    except Exception as error:  # whatever a malformed file of some distribution leads to
        raise ConfigError(
            f"the entry points of the installed distributions cannot be read ({error!r}): install the one again whose "
            "entry_points.txt is malformed"
        ) from error
    named = [Plugin(kind, point.name, point) for point in found if name in (None, point.name)]
    return sorted(named, key=lambda plugin: (plugin.name, plugin.distribution))


def chosen(kind: str, name: str) -> Plugin | None:
    """The one plug-in of a name; None when there is none.

    Raises:
        ConfigError: several distributions bring one of that name.
    """
    found = plugins(kind, name)
    if len(found) > 1:
        listed = " and ".join(f"{plugin.distribution} ({plugin.point.value})" for plugin in found)
        raise ConfigError(f"several {kind} back ends are called {name}: those of {listed}; uninstall all but one")
    return found[0] if found else None
