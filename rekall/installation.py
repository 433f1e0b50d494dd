"""Whatever calls itself rekall on this Python's path: one of that name in a package index is another program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlparse

import rekall

Status = Literal["ok", "warning", "failure"]


def installations() -> Iterator[tuple[Status, str, str]]:
    """Each distribution of that name: whether it is right, what was found, and the mend."""
    places: dict[Path, metadata.Distribution] = {}
    for distribution in metadata.distributions(name="rekall"):
        places.setdefault(Path(str(distribution.locate_file(""))).resolve(), distribution)
    if not places:
        yield "ok", f"{rekall.__version__}, run from {Path(rekall.__file__).parent}", ""
    for place, distribution in places.items():
        what = f"rekall {distribution.version} in {place}"
        if not _holds_this_module(distribution):
            yield (
                "failure",
                f"{what} is not this program, which runs from {Path(rekall.__file__).parent}",
                "pip uninstall rekall, as often as it finds one, then install this program again",
            )
        elif distribution.version != rekall.__version__:
            yield (
                "warning",
                f"{what} is installed as another version than {rekall.__version__}",
                "install it again",
            )
        else:
            yield "ok", what, ""


def _holds_this_module(distribution: metadata.Distribution) -> bool:
    module = Path(rekall.__file__).resolve()
    files = [Path(str(distribution.locate_file(file))) for file in distribution.files or [] if file.name == module.name]
    if any(file.resolve() == module for file in files):
        return True
    # an editable install lists no modules, it names the source tree
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if not origin.get("dir_info", {}).get("editable"):
        return False
    return module.is_relative_to(Path(unquote(urlparse(origin["url"]).path)).resolve())
