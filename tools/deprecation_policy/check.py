"""Whether a checkout keeps the policy, and what has to be deleted from it for a version."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from deprecation_policy.code import Code, read_code
from deprecation_policy.pages import backdated, stale
from deprecation_policy.rows import REGISTER, Register, read_register
from deprecation_policy.versions import release, stated
from rekall.deprecation import Deprecation


class Due(NamedTuple):
    """What has to be deleted.

    Args:
        row: of the register.
        places: file and line of the row, of the code that warns, and of what is there for this name alone.
    """

    row: Deprecation
    places: list[str]

    def __str__(self) -> str:
        return f"{self.row.name} ({self.row.kind}): {', '.join(self.places)}"


class Checkout(NamedTuple):
    """A checkout with its register and its code, read."""

    root: Path
    register: Register
    code: Code

    @classmethod
    def read(cls, root: Path) -> Checkout:
        """The checkout in a folder."""
        register = read_register(root)
        return cls(root, register, read_code(root, register.rows))

    def due(self, version: str) -> list[Due]:
        """What has to be gone in a version; a development version counts as the one that it leads to.

        Raises:
            ValueError: it is no version.
        """
        reached = release(version)
        due = {name: row for name, row in self.register.rows.items() if _goes_by(row, reached)}
        # a call that answers for several names goes with the last of them
        needed = {warned.place for warned in self.code.warned if warned.name not in due}
        return [Due(row, self._places(row, needed)) for row in due.values()]

    def faults(self, version: str | None = None) -> list[str]:
        """Everything that breaks the policy, each with its place.

        Args:
            version: checked for instead of the one that the checkout states.

        Raises:
            ValueError: it is no version.
        """
        faults = [*self.register.faults, *self.code.faults]
        if version is None:
            known = stated(self.root)
            version = max(known.values(), key=release)
            if len(set(known.values())) > 1:
                faults.append(" but ".join(f"{file} says {text}" for file, text in known.items()))
        faults += [f"due in {version}, delete {due}" for due in self.due(version)]
        rows = self.register.rows
        for warned in self.code.warned:
            row = rows.get(warned.name)
            if row is None:
                faults.append(f"{warned.place}: it warns of {warned.name}, which has no row in {REGISTER}")
            elif row.kind not in warned.kinds:
                faults.append(
                    f"{warned.place}: {warned.name} is {' or '.join(warned.kinds)} here, its row says {row.kind}"
                )
        warned_names = {warned.name for warned in self.code.warned}
        faults += [
            f"{REGISTER}:{self.register.lines[name]}: {name}: nothing warns of it"
            for name in rows
            if name not in warned_names
        ]
        if self.register.faults:  # which gives no pages
            return faults
        faults += [
            f"{REGISTER}:{self.register.lines[name]}: {name}: no changelog of a version that is out says that it is"
            " deprecated: since is the version that first warns"
            for name in backdated(self.root, rows)
        ]
        return faults + stale(self.root, rows)

    def _places(self, row: Deprecation, needed: Collection[str]) -> list[str]:
        found = [f"{REGISTER}:{self.register.lines[row.name]}"]
        places = dict.fromkeys(warned.place for warned in self.code.warned if warned.name == row.name)
        found += [place for place in places if place not in needed]
        alone = self.code.only_for(row)
        return [*found, alone] if alone else found


def _goes_by(row: Deprecation, reached: tuple[int, ...]) -> bool:
    try:
        return release(row.removal) <= reached
    except ValueError:  # told as a fault of its own
        return False
