"""Which versions of the interfaces this Rekall takes, and the check of a back end's class against them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import rekall
from rekall.deprecation import Deprecation, warn_deprecated_at
from rekall.errors import ConfigError
from rekall.infra.interfaces import INTERFACE_VERSION


class Supported(NamedTuple):
    """The versions of the interfaces that a Rekall takes.

    Args:
        oldest: what is older was removed.
        newest: what is newer comes with a later Rekall.
        releases: the Rekall that first had a version, by version.
        deprecated: the register's row of each version that goes in a later Rekall, by version.
    """

    oldest: int = INTERFACE_VERSION
    newest: int = INTERFACE_VERSION
    releases: Mapping[int, str] = {1: "1.0"}
    deprecated: Mapping[int, Deprecation] = {}


def check(backend: type, what: str, supported: Supported, *, stated: bool = False) -> None:
    """Refuse a class that this Rekall cannot use, before one is made; warn of one whose interface goes.

    Args:
        backend: derives from an interface.
        what: says in an error which back end it is.
        supported: the versions that this Rekall takes.
        stated: whether it must state `interface_version` itself.

    Raises:
        ConfigError: it lacks methods, states no version, or one that is not supported.
    """
    missing = ", ".join(sorted(getattr(backend, "__abstractmethods__", ())))
    if missing:
        raise ConfigError(
            f"{what}: the class {backend.__name__} lacks {missing}; install a version of it that has them"
        )
    stating = _stating(backend)
    version: Any = vars(stating)["interface_version"]
    if stated and _is_ours(stating):
        raise ConfigError(
            f"{what}: the class {backend.__name__} does not say which interface it was written for; "
            f"give it 'interface_version = {supported.newest}'"
        )
    takes = " to ".join(str(number) for number in dict.fromkeys((supported.oldest, supported.newest)))
    if not _is_whole(version):
        raise ConfigError(f"{what}: its interface_version is {version!r}, not a whole number; tell its author")
    if version < supported.oldest:
        since = supported.releases[supported.oldest]
        raise ConfigError(
            f"{what} was written for interface {version}, this Rekall takes {takes}: install a version of it for "
            f"interface {supported.oldest} or later (Rekall {since} or later)"
        )
    if version > supported.newest:
        least = getattr(backend, "minimum_rekall", None)
        # a minimum that this Rekall meets is wrong: to install that would not help
        is_later = _release(least) > _release(rekall.__version__)
        wanted = f"Rekall {least} or later" if is_later else f"a Rekall that has interface {version}"
        raise ConfigError(
            f"{what} was written for interface {version}, this Rekall takes {takes}: install {wanted}, "
            f"or a version of the back end for interface {supported.newest}"
        )
    if version in supported.deprecated:
        file, line = _place_of_version(stating)
        warn_deprecated_at(supported.deprecated[version], file, line, stating.__module__)


def stated_version(backend: type) -> int | None:
    """The version that a class says it was written for, itself or by a base that is not Rekall's; None without one."""
    stating = _stating(backend)
    version = vars(stating)["interface_version"]
    return version if _is_whole(version) and not _is_ours(stating) else None


def _stating(backend: type) -> type:
    return next(one for one in backend.__mro__ if "interface_version" in vars(one))


def _is_whole(version: object) -> bool:
    return isinstance(version, int) and not isinstance(version, bool)


def _is_ours(stating: type) -> bool:
    return stating.__module__.partition(".")[0] == "rekall"


def _release(version: object) -> tuple[int, ...]:
    """The numbers of a version, without the zeros at its end: 1.0.0.dev0 counts as 1.0; none for what is no version."""
    numbers = re.match(r"\d+(\.\d+)*", version) if isinstance(version, str) else None
    if numbers is None:
        return ()
    release = [int(number) for number in numbers[0].split(".")]
    while release and not release[-1]:
        release.pop()
    return tuple(release)


def _place_of_version(stating: type) -> tuple[str, int]:
    """The file and line on which a class states its `interface_version`: the class's first where that is not found."""
    try:
        file = inspect.getsourcefile(stating) or stating.__module__
        lines, first = inspect.getsourcelines(stating)
    except (OSError, TypeError):  # installed without its source
        return stating.__module__, 1
    offset = next((n for n, line in enumerate(lines) if line.lstrip().startswith("interface_version")), 0)
    return file, first + offset
