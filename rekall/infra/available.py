"""Which back ends there are, built in, registered in this process or brought by distributions; and which of them load.

Those of distributions are imported in child processes, so that one that hangs, prints or crashes disturbs nothing.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import rekall
from rekall.config import Config
from rekall.deprecation import Deprecation, RekallDeprecationWarning
from rekall.errors import BackendError, ConfigError
from rekall.infra.discovery import Plugin
from rekall.infra.distributions import installed
from rekall.infra.interfaces import KINDS
from rekall.infra.probe import TIMEOUT, Step, run_all
from rekall.infra.selection import BUILT_IN, KNOWN, Implementation, setting_of
from rekall.infra.versions import Supported, check, stated_version

_ORDER = ("registered", "built in", "installed", "missing")
"""Where a name is looked for, one after the other."""
DEFAULT, REGISTERED = "default", "registered in this process"
"""What selects a back end where no setting does."""
SLOW = 1.0
"""Seconds from which an import is worth a word."""


class Available(NamedTuple):
    """A back end, or the name of one that config selects in vain.

    Args:
        kind: `database` or `cache`.
        name: what config selects it by.
        origin: `built in`, `registered` (in this process), `installed`, or `missing`.
        distribution: the name of what brings it; empty unless it is built in or installed.
        version: of the distribution.
        interface: the version of the interface that it was written for, where that is known.
        setting: what selects it, as text for a person; None when something else is selected.
        problem: why it does not load; None when it does.
        clash: why its name does not select it; None when it does.
        notes: what is remarkable besides.
    """

    kind: str
    name: str
    origin: str
    distribution: str = ""
    version: str = ""
    interface: int | None = None
    setting: str | None = None
    problem: str | None = None
    clash: str | None = None
    notes: Sequence[str] = ()


def available(
    config: Config,
    registered: Mapping[str, Implementation],
    supported: Supported | None = None,
    timeout: float = TIMEOUT,
) -> tuple[list[Available], list[str]]:
    """All back ends, the databases first; and a line for each distribution that cannot be read.

    Args:
        config: selects one of each kind.
        registered: those of this process by name.
        supported: the versions of the interface that are taken; those of this Rekall if left out.
        timeout: seconds that the import of one may take.
    """
    supported = supported or Supported()
    found: list[Available] = []
    unreadable: dict[str, None] = {}
    for kind in KINDS:
        plugins, lines = installed(kind)
        unreadable |= dict.fromkeys(lines)
        rows = [*_built_in(kind), *_registered(kind, registered, supported), *_loaded(plugins, supported, timeout)]
        name, setting = selected(kind, config, registered)
        if name not in [row.name for row in rows]:
            hint = ""
            if name in KNOWN[kind]:
                later = "a later " if any(plugin.distribution == KNOWN[kind][name] for plugin in plugins) else ""
                hint = f"; it comes with {later}{KNOWN[kind][name]}"
            rows.append(Available(kind, name, "missing", problem=f"nothing that is installed brings it{hint}"))
        found += _with_relations(rows, name, setting)
    return found, list(unreadable)


def selected(kind: str, config: Config, registered: Mapping[str, Implementation]) -> tuple[str, str]:
    """The name of the selected back end of a kind, and what selects it as text for a person.

    Args:
        kind: `database` or `cache`.
        config: selects one by name.
        registered: those of this process by name.
    """
    if kind in registered:
        return kind, REGISTERED
    is_default = config.origins[f"backends.{kind}"] == "default"
    return getattr(config, f"{kind}_backend"), DEFAULT if is_default else setting_of(kind, config)


def is_foreign(kind: str, config: Config, registered: Mapping[str, Implementation]) -> bool:
    """Whether the selected back end of a kind can only be brought by another distribution; nothing is looked for."""
    return selected(kind, config, registered)[0] not in {*BUILT_IN[kind], *registered}


def _built_in(kind: str) -> Iterable[Available]:
    for name, backend in BUILT_IN[kind].items():
        version = getattr(backend, "interface_version", None)
        yield Available(kind, name, "built in", "Rekall", rekall.__version__, version)


def _registered(kind: str, registered: Mapping[str, Implementation], supported: Supported) -> Iterable[Available]:
    """Those of a kind; a function that makes one may be of any kind unless it stands under the kind itself."""
    for name, backend in registered.items():
        made = backend if isinstance(backend, type) else type(backend)
        is_class = issubclass(made, tuple(KINDS.values()))
        if (name in KINDS and name != kind) or (name not in KINDS and is_class and not issubclass(made, KINDS[kind])):
            continue
        problem = None
        if is_class:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", RekallDeprecationWarning)
                    check(made, "it", supported)
            except ConfigError as error:
                problem = str(error)
        version = getattr(made, "interface_version", None) if is_class else None
        yield Available(kind, name, "registered", interface=version, problem=problem)


def _loaded(plugins: Sequence[Plugin], supported: Supported, timeout: float) -> Iterable[Available]:
    versions = {
        "oldest": supported.oldest,
        "newest": supported.newest,
        "releases": list(supported.releases.items()),
        "deprecated": [[version, row._asdict()] for version, row in supported.deprecated.items()],
    }
    requests = [{"plugin": plugin._asdict(), "supported": versions} for plugin in plugins]
    for plugin, answer in zip(plugins, run_all(f"{__name__}:load", requests, timeout), strict=True):
        row = Available(plugin.kind, plugin.name, "installed", plugin.distribution, plugin.version)
        if isinstance(answer, BackendError):
            yield row._replace(problem=str(answer))
        else:
            yield row._replace(**answer)


def load(step: Step, *, plugin: Mapping[str, str], supported: Mapping[str, Any]) -> dict[str, Any]:
    """Import a back end and check its interface: what a child process does for the list.

    Args:
        step: is told what comes next.
        plugin: the fields of a `Plugin`.
        supported: those of `Supported`, the mappings as pairs.

    Returns:
        `interface`, `problem` and `notes` of an `Available`.
    """
    found = Plugin(**plugin)
    versions = Supported(
        supported["oldest"],
        supported["newest"],
        dict(supported["releases"]),
        {version: Deprecation(**row) for version, row in supported["deprecated"]},
    )
    step("while it was imported")
    started = time.monotonic()
    try:
        backend = found.load()
    except ConfigError as error:
        return {"problem": _without(found.what, error)}
    notes = slow_import(time.monotonic() - started)
    interface = stated_version(backend)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RekallDeprecationWarning)
        try:
            check(backend, found.what, versions, stated=True)
        except ConfigError as error:
            return {"interface": interface, "problem": _without(found.what, error), "notes": notes}
    return {"interface": interface, "notes": [*notes, *(str(warning.message) for warning in caught)]}


def slow_import(seconds: float) -> list[str]:
    """A word on an import that everybody waits for who selects the back end."""
    return [f"slow import: {seconds:.1f} s"] if seconds > SLOW else []


def _without(what: str, error: ConfigError) -> str:
    """An error without what the row and the list say: whose it is, and that there are others to select."""
    text = str(error).removeprefix(what).removesuffix("; mend or uninstall it, or select another back end")
    return text[2:] if text.startswith(": ") else f"it{text}"


def _with_relations(rows: Sequence[Available], name: str, setting: str) -> Iterable[Available]:
    """The rows of a kind with what they are to each other and to config.

    Args:
        name: the selected one.
        setting: what selects it.
    """
    for row in rows:
        same = [each for each in rows if each.name == row.name and each is not row]
        before = min((each.origin for each in same), key=_ORDER.index, default=row.origin)
        selected = row._replace(setting=setting if row.name == name else None)
        if _ORDER.index(before) < _ORDER.index(row.origin):
            yield row._replace(clash=f"hidden by the one of that name that is {before}")
        elif before == row.origin and same:
            others = " and ".join(f"{each.distribution} {each.version}" for each in same)
            yield selected._replace(clash=f"also brought by {others}: uninstall all but one")
        else:
            yield selected
