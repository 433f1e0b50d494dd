"""A model of sentence-transformers without sentence-transformers: texts in, vectors out, on numpy and tokenizers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rekall.embeddings.model_folder import TOKENIZER, Dense, ModelFolder, read_folder
from rekall.embeddings.network import Linear, Network
from rekall.embeddings.pooling import POOLINGS
from rekall.embeddings.vectors import unit_rows
from rekall.embeddings.weights import Weights
from rekall.errors import EmbeddingModelUnavailableError

if TYPE_CHECKING:
    from rekall.models import Vector

TOKENS_AT_ONCE = 1024
"""Tokens of the texts that go through the network together: enough to keep a core busy, and little memory."""


class SentenceEncoder:
    """The calls of a `SentenceTransformer` that Rekall makes, and the vectors that it would give.

    Args:
        path: a folder as sentence-transformers saves it.

    Raises:
        UnknownModelError: Rekall does not compute this model by itself.
        EmbeddingModelUnavailableError: a file is missing, damaged, or does not fit the others.
        ModuleNotFoundError: numpy, tokenizers or safetensors is not installed.
    """

    def __init__(self, path: Path) -> None:
        self.folder = folder = read_folder(path)
        self._tokenizer = _tokenizer(folder)
        self._network = Network(folder.architecture, Weights(folder.transformer))
        words, known = self._tokenizer.get_vocab_size(), self._network.vocabulary
        if words > known:
            raise EmbeddingModelUnavailableError(
                f"{folder.transformer / TOKENIZER} is of another model: it has {words} tokens, the weights have {known}"
            )
        self.max_seq_length = folder.most_tokens
        self._size = folder.architecture.size * len(folder.poolings)
        self._dense = []
        for dense in folder.dense:
            self._dense.append((_linear(dense, self._size), dense.activation == "Tanh"))
            self._size = dense.outer

    def get_embedding_dimension(self) -> int:
        """Length of the vectors."""
        return self._size

    get_sentence_embedding_dimension = get_embedding_dimension

    def encode(
        self,
        sentences: str | Sequence[str],
        *,
        show_progress_bar: bool | None = None,
        convert_to_numpy: bool = True,
        normalize_embeddings: bool = False,
    ) -> Vector:
        """The vectors of some texts.

        Args:
            sentences: texts, or one; each is cut at `max_seq_length` tokens.
            show_progress_bar: as sentence-transformers has it, without effect. Likewise convert_to_numpy.
            normalize_embeddings: give each the length 1, whether or not the model does.

        Returns:
            An array of shape (texts, length) of 32-bit floats; of one text (length,).
        """
        import numpy as np

        texts = [sentences] if isinstance(sentences, str) else list(sentences)
        found = np.empty((len(texts), self._size), dtype=np.float32)
        tokens = self._tokens(texts)

        def compute(places: list[int]) -> None:
            pooled = np.stack([self._pool(one) for one in self._network([tokens[place] for place in places])])
            for linear, bounded in self._dense:
                outer = linear(pooled.T).T
                pooled = np.tanh(outer) if bounded else outer
            found[places] = pooled

        batches = list(_batches(tokens))
        threads = min(_threads(), len(batches))
        if threads > 1:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(compute, batches))
        else:
            for places in batches:
                compute(places)
        if self.folder.normalizes or normalize_embeddings:
            found = unit_rows(found)
        return found[0] if isinstance(sentences, str) else found

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        prompt = self.folder.prompt
        # a lone surrogate, as Python reads from a command line that is not UTF-8, is no character
        ready = [(prompt + text).encode("utf-8", "replace").decode("utf-8") for text in texts]
        if self.folder.lower_case:
            ready = [text.lower() for text in ready]
        if len(ready) == 1:  # without the threads of a batch
            return [self._tokenizer.encode(ready[0]).ids]
        return [one.ids for one in self._tokenizer.encode_batch(ready)]

    def _pool(self, vectors: Vector) -> Vector:
        import numpy as np

        parts = [POOLINGS[name](vectors) for name in self.folder.poolings]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _batches(texts: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Places of texts, the longest first, of `TOKENS_AT_ONCE` tokens at most or one text."""
    batch: list[int] = []
    tokens = 0
    for place in sorted(range(len(texts)), key=lambda place: -len(texts[place])):
        if batch and tokens + len(texts[place]) > TOKENS_AT_ONCE:
            yield batch
            batch, tokens = [], 0
        batch.append(place)
        tokens += len(texts[place])
    if batch:
        yield batch


def _threads() -> int:
    """Batches to compute at the same time: one for each core, unless OpenBLAS has threads of its own."""
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        return 1
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _tokenizer(folder: ModelFolder) -> Any:
    from tokenizers import Tokenizer

    file = folder.transformer / TOKENIZER
    try:
        tokenizer = Tokenizer.from_file(str(file))
        # whatever the file says of them: it is written for one size of batch
        tokenizer.no_padding()
        tokenizer.enable_truncation(folder.most_tokens)
        ids = tokenizer.encode("").ids
    except Exception as error:  # tokenizers raises nothing narrower
        raise EmbeddingModelUnavailableError(f"{file} is damaged ({error})") from error
    if not ids:
        raise EmbeddingModelUnavailableError(f"{file} is of another model: it marks no beginning of a text")
    return tokenizer


def _linear(dense: Dense, size: int) -> Linear:
    import numpy as np

    if dense.inner != size:
        raise EmbeddingModelUnavailableError(f"{dense.folder} takes {dense.inner} numbers, and gets {size}")
    weights = Weights(dense.folder)
    weight = weights.tensor("linear.weight", (dense.outer, dense.inner))
    bias = weights.tensor("linear.bias", (dense.outer,)) if dense.has_bias else np.zeros(dense.outer, np.float32)
    return Linear(weight, bias)
