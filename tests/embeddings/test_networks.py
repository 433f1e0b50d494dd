"""Vectors as sentence-transformers computes them, of every architecture and pooling that Rekall computes itself."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from support.tiny_models import MOST_TOKENS, Kind, build

from rekall.embeddings import sentence_encoder
from rekall.embeddings.activations import gelu
from rekall.embeddings.network import distance_buckets
from rekall.embeddings.sentence_encoder import SentenceEncoder

REFERENCE = Path(__file__).parents[1] / "data" / "reference_vectors.json"
"""The first four numbers of vectors, computed by sentence-transformers 6.2 with torch 2.13 on the CPU.

For each kind below, and each of its texts: `SentenceTransformer(str(build(folder, kind))).encode(texts)[:, :4]`.
"""
KINDS = {
    "bert": Kind(),
    "bert cls": Kind(config={"hidden_act": "gelu_new"}, pooling={"pooling_mode_cls_token": True}, normalizes=False),
    "bert max, dense": Kind(config={"hidden_act": "relu"}, pooling={"pooling_mode_max_tokens": True}, dense=16),
    "bert three": Kind(
        pooling=dict.fromkeys(
            ("pooling_mode_cls_token", "pooling_mode_mean_tokens", "pooling_mode_mean_sqrt_len_tokens"), True
        ),
        dense=48,
        normalizes=False,
    ),
    "bert weighted": Kind(pooling={"pooling_mode": "weightedmean"}, normalizes=False),
    "bert last": Kind(pooling={"pooling_mode_lasttoken": True}, normalizes=False),
    "bert alone": Kind(pooling=None),
    "distilbert": Kind("distilbert"),
    "roberta": Kind("roberta"),
    "xlm-roberta": Kind("xlm-roberta"),
    "camembert": Kind("camembert"),
    "mpnet": Kind("mpnet"),
}


@pytest.mark.parametrize("name", KINDS)
def test_vectors_are_those_of_sentence_transformers(name: str, tmp_path: Path) -> None:
    """Of an empty text, of one in other scripts, and of one that is too long."""
    reference = json.loads(REFERENCE.read_text(encoding="utf-8"))
    encoder = SentenceEncoder(build(tmp_path / "m", KINDS[name]))
    found = encoder.encode(reference["texts"])
    assert found.dtype == np.float32
    assert found.shape == (4, encoder.get_embedding_dimension())
    assert np.allclose(found[:, :4], reference[name], rtol=0, atol=1e-5)


def test_the_order_of_texts_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many go through the network together or at the same time, each has the vector that it has alone."""
    encoder = SentenceEncoder(build(tmp_path / "m"))
    texts = ["walrus " * (number * 7 % 13) + f"proxy {number}" for number in range(40)]
    alone = np.stack([encoder.encode(text) for text in texts])
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert np.allclose(encoder.encode(texts), alone, atol=1e-6)
    monkeypatch.setattr(sentence_encoder, "TOKENS_AT_ONCE", 30)
    assert np.allclose(encoder.encode(texts), alone, atol=1e-6)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert np.allclose(encoder.encode(texts), alone, atol=1e-6)
    assert len({row.tobytes() for row in alone.round(4)}) == 40


def test_what_is_too_long_is_cut(tmp_path: Path) -> None:
    """At the number of tokens that the folder says, whatever its tokenizer.json says."""
    encoder = SentenceEncoder(build(tmp_path / "m"))
    assert encoder.max_seq_length == MOST_TOKENS
    words = ["walrus"] * (MOST_TOKENS - 2)
    whole = encoder.encode(" ".join(words))
    assert np.array_equal(encoder.encode(" ".join([*words, "proxy"])), whole)
    assert not np.allclose(encoder.encode(" ".join([*words[:-1], "proxy"])), whole, atol=1e-3)


def test_one_text_and_none(tmp_path: Path) -> None:
    """As sentence-transformers has it: a text gives a vector, a list gives rows."""
    encoder = SentenceEncoder(build(tmp_path / "m", Kind(normalizes=False)))
    assert encoder.encode("walrus").shape == (32,)
    assert encoder.encode([]).shape == (0, 32)
    assert np.linalg.norm(encoder.encode("walrus", normalize_embeddings=True)) == pytest.approx(1)


def test_what_is_no_character(tmp_path: Path) -> None:
    """Half of a surrogate pair, as a command line that is not UTF-8 brings it, hinders nothing."""
    encoder = SentenceEncoder(build(tmp_path / "m"))
    assert np.allclose(encoder.encode("walrus \udce4"), encoder.encode("walrus ?"), atol=1e-6)


def test_the_error_function() -> None:
    """Within 1.5e-7 of the exact one, also where nothing but its complement is left."""
    x = np.linspace(-30, 30, 4001, dtype=np.float32)
    exact = np.array([value * math.erfc(-value / math.sqrt(2)) / 2 for value in x.astype(float)])
    assert np.abs(gelu(x) - exact).max() < 2e-6
    assert np.abs(gelu(x) - exact)[np.abs(x) <= 4].max() < 5e-7


def test_distances() -> None:
    """Near ones have a bucket each, those before and after are told apart, far ones share the last."""
    found = distance_buckets(300, 32)
    assert found[0, :8].tolist() == [0, 17, 18, 19, 20, 21, 22, 23]
    assert found[:8, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert (found[0, 299], found[299, 0]) == (31, 15)
    assert (np.diff(found[0, 1:]) >= 0).all()
