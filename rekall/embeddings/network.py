"""The networks of the BERT family, on numpy: from numbers of tokens to one vector for each token.

The transformer's encoder is that of Vaswani et al., "Attention Is All You Need" (2017), as BERT has it: Devlin et al.,
"BERT: Pre-training of Deep Bidirectional Transformers" (2019), layers normalised after each addition.

Texts are laid behind one another without padding: what is computed for each token by itself is one matrix product over
all texts, and attention, which must not look beyond a text, is computed text by text. A token is a column: BLAS takes
a quarter less time for `W x` than for `x W^T` where the tokens are as few as those of a query.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from rekall.embeddings.activations import ACTIVATIONS
from rekall.embeddings.architecture import Architecture
from rekall.embeddings.weights import Weights
from rekall.errors import EmbeddingModelUnavailableError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rekall.models import Vector

INNER_TOKENS = 128
"""Tokens whose inner layer, four times as wide as the outer ones, is in memory at the same time."""

FEW_TOKENS = 16
SMALL_PRODUCT = 1_000_000
"""Multiplications up to which OpenBLAS takes a matrix as it lies. It copies a larger one first, which for a query of
`FEW_TOKENS` tokens takes as long as multiplying."""


class Linear(NamedTuple):
    """`W x + b`: weight of shape (out, in), bias of shape (out,), x of shape (in, tokens)."""

    weight: Vector
    bias: Vector

    def __call__(self, x: Vector) -> Vector:
        import numpy as np

        outer, inner = self.weight.shape
        tokens = x.shape[1]
        found = np.empty((outer, tokens), dtype=np.float32)
        rows = outer if tokens > FEW_TOKENS else max(SMALL_PRODUCT // (inner * tokens), 1)
        for start in range(0, outer, rows):
            some = slice(start, start + rows)
            np.matmul(self.weight[some], x, out=found[some])
        found += self.bias[:, None]
        return found


class LayerNorm(NamedTuple):
    """Each column brought to mean 0 and variance 1, then scaled: Ba et al., "Layer Normalization" (2016)."""

    weight: Vector
    bias: Vector
    epsilon: float

    def __call__(self, x: Vector) -> Vector:
        import numpy as np

        centred: Vector = x - x.mean(axis=0)
        variance = np.einsum("ij,ij->j", centred, centred) / len(x)
        centred /= np.sqrt(variance + self.epsilon)
        centred *= self.weight[:, None]
        centred += self.bias[:, None]
        return centred


class _Layer(NamedTuple):
    query: Linear
    key: Linear
    value: Linear
    joined: Linear
    after_attention: LayerNorm
    wide: Linear
    narrow: Linear
    after_all: LayerNorm


class Network:
    """An encoder with its weights. Safe to use from several threads.

    Args:
        architecture: what its config.json says.
        weights: the tensors.

    Raises:
        EmbeddingModelUnavailableError: the weights are not those of such a network.
    """

    def __init__(self, architecture: Architecture, weights: Weights) -> None:
        self.architecture = architecture
        names, size = architecture.names, architecture.size
        prefix = weights.prefix_of(names.words)
        if prefix is None:
            raise EmbeddingModelUnavailableError(f"the weights of {architecture.folder} hold no {names.words}")
        self.vocabulary = weights.shape(prefix + names.words)[0]
        self._words = weights.rows(prefix + names.words)
        self._positions = weights.tensor(prefix + names.positions, (architecture.positions, size))
        if names.kinds:
            # a single text is of the first kind throughout
            self._positions = self._positions + weights.tensor(prefix + names.kinds, (architecture.kinds, size))[0]
        self._activation = ACTIVATIONS[architecture.activation]

        def linear(name: str, outer: int, inner: int) -> Linear:
            return Linear(weights.tensor(f"{name}.weight", (outer, inner)), weights.tensor(f"{name}.bias", (outer,)))

        def norm(name: str) -> LayerNorm:
            weight, bias = (weights.tensor(f"{name}.{part}", (size,)) for part in ("weight", "bias"))
            return LayerNorm(weight, bias, architecture.epsilon)

        def layer(number: int) -> _Layer:
            start = f"{prefix}{names.layers}.{number}."
            query, key, value, joined = (linear(start + name, size, size) for name in names.attention)
            wide = linear(start + names.wide, architecture.inner_size, size)
            narrow = linear(start + names.narrow, size, architecture.inner_size)
            after_attention, after_all = norm(start + names.after_attention), norm(start + names.after_all)
            return _Layer(query, key, value, joined, after_attention, wide, narrow, after_all)

        self._first_norm = norm(prefix + names.first_norm)
        self._layers = [layer(number) for number in range(architecture.layers)]
        self._distances: Vector | None = None
        if names.distances:
            shape = (architecture.distance_buckets, architecture.heads)
            self._distances = weights.tensor(prefix + names.distances, shape)

    def __call__(self, texts: Sequence[Sequence[int]]) -> list[Vector]:
        """One vector for each token.

        Args:
            texts: numbers of tokens, of each text at least one, at most `architecture.most_tokens`.

        Returns:
            For each text an array of shape (tokens, size).
        """
        import numpy as np

        ends = np.cumsum([len(text) for text in texts]).tolist()
        spans = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
        known, places = np.unique(np.concatenate([np.asarray(text) for text in texts]), return_inverse=True)
        x: Vector = self._words(known.tolist())[places]
        first = self.architecture.first_position
        for text, span in zip(texts, spans, strict=True):
            x[span] += self._positions[first : first + len(text)]
        x = self._first_norm(np.ascontiguousarray(x.T))
        longest = max(len(text) for text in texts)
        bias = None if self._distances is None else self._distances[distance_buckets(longest, len(self._distances))]
        for layer in self._layers:
            x = layer.after_attention(layer.joined(self._attend(layer, x, spans, bias)) + x)
            x = layer.after_all(self._widen(layer, x) + x)
        return [x[:, span].T for span in spans]

    def _attend(self, layer: _Layer, x: Vector, spans: list[slice], bias: Vector | None) -> Vector:
        import numpy as np

        heads = self.architecture.heads
        width = len(x) // heads
        query, key, value = (part(x).reshape(heads, width, -1) for part in (layer.query, layer.key, layer.value))
        query *= 1 / math.sqrt(width)
        found = np.empty_like(query)
        for span in spans:
            scores = query[:, :, span].transpose(0, 2, 1) @ key[:, :, span]
            if bias is not None:
                tokens = span.stop - span.start
                scores += bias[:tokens, :tokens].transpose(2, 0, 1)
            scores -= scores.max(axis=-1, keepdims=True)
            np.exp(scores, out=scores)
            attended = value[:, :, span] @ scores.transpose(0, 2, 1)
            attended /= scores.sum(axis=-1)[:, None, :]  # the last step of softmax, where there is less to divide
            found[:, :, span] = attended
        return found.reshape(x.shape)

    def _widen(self, layer: _Layer, x: Vector) -> Vector:
        import numpy as np

        found = np.empty_like(x)
        for start in range(0, x.shape[1], INNER_TOKENS):
            some = slice(start, start + INNER_TOKENS)
            found[:, some] = layer.narrow(self._activation(layer.wide(x[:, some])))
        return found


def distance_buckets(tokens: int, buckets: int, furthest: int = 128) -> npt.NDArray[np.intp]:
    """Into which bucket the distance of two tokens falls: near ones have one each, far ones share, by logarithm.

    Raffel et al., "Exploring the Limits of Transfer Learning" (2020), section 2.1; MPNet uses it.

    Args:
        tokens: of a text.
        buckets: half of them for what stands before, half for what comes after.
        furthest: distance from which all share the last one.

    Returns:
        An array of shape (tokens, tokens): from a token to another.
    """
    import numpy as np

    places = np.arange(tokens)
    distance = places[None, :] - places[:, None]
    half = buckets // 2
    near = half // 2
    far = np.abs(distance)
    shared = near + np.log(np.maximum(far, 1) / near) / math.log(furthest / near) * (half - near)
    found = np.where(far < near, far, np.minimum(shared.astype(np.intp), half - 1))
    return np.asarray(found + half * (distance > 0), dtype=np.intp)
