"""Back ends that other distributions bring: found by their entry points, imported when one is chosen.

Looking for them (`rekall.infra.distributions`) imports none of them. What is wrong with one is told in one line that
names it, its distribution and what to install.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from rekall.errors import ConfigError
from rekall.infra.interfaces import KINDS


class Plugin(NamedTuple):
    """A back end that a distribution brings, not imported yet.

    Args:
        kind: `database` or `cache`.
        name: what config selects it by.
        value: its class, as `package.module:Class`.
        distribution: the name of what brings it.
        version: of the distribution.
    """

    kind: str
    name: str
    value: str
    distribution: str
    version: str

    @property
    def what(self) -> str:
        """The back end as errors call it."""
        return f"the {self.kind} back end {self.name} of {self.distribution} {self.version}"

    def load(self) -> Any:
        """Its class, imported.

        Raises:
            ConfigError: it cannot be imported, or is no such back end.
        """
        from importlib import import_module

        # what stands in brackets are extras, which pip looks at
        module, _, attribute = self.value.partition("[")[0].rstrip().partition(":")
        if not all(part.isidentifier() for part in f"{module}.{attribute}".split(".")):
            raise ConfigError(
                f"{self.what}: its entry point is '{self.value}', not package.module:Class; tell its author"
            )
        try:
            backend: Any = import_module(module)
            for part in attribute.split("."):
                backend = getattr(backend, part)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever the module of another distribution does at its import
            from rekall.infra.foreign import described

            raise ConfigError(
                f"{self.what}: {self.value} cannot be imported: {described(error)}; "
                "mend or uninstall it, or select another back end"
            ) from error
        interface = KINDS[self.kind]
        if not (isinstance(backend, type) and issubclass(backend, interface)):
            raise ConfigError(
                f"{self.what}: {self.value} is no class that derives from {interface.__name__}; tell its author"
            )
        return backend


def chosen(kind: str, name: str) -> Plugin | None:
    """The one plug-in of a name; None when there is none.

    Raises:
        ConfigError: several distributions bring one of that name.
    """
    from rekall.infra.distributions import installed

    found = [plugin for plugin in installed(kind)[0] if plugin.name == name]
    if len(found) > 1:
        listed = " and ".join(f"{plugin.distribution} {plugin.version} ({plugin.value})" for plugin in found)
        raise ConfigError(f"several {kind} back ends are called {name}: those of {listed}; uninstall all but one")
    return found[0] if found else None
