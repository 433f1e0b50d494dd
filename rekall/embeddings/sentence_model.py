"""The embedder that comes with Rekall: a model of sentence-transformers, with or without that package."""

from __future__ import annotations

from collections.abc import Sequence

from rekall.config import Config
from rekall.embeddings import hub
from rekall.embeddings.embedder import Embedder, normal_name
from rekall.embeddings.vectors import unit_rows
from rekall.errors import EmbeddingModelUnavailableError
from rekall.model_manager import ModelManager, get_model_manager
from rekall.models import VALID_EMBEDDING_DIMENSIONS, Vector


class SentenceTransformersEmbedder(Embedder):
    """Vectors of a model of sentence-transformers that is on this machine, cut to the configured length.

    Args:
        config: model, dimensions, and after how many idle minutes the model is given back.
    """

    def __init__(self, config: Config) -> None:
        self.name = normal_name(hub.stored_name(config.smart_embeddings_model))
        self.dimensions = config.smart_embeddings_dimensions
        self._model_name = config.smart_embeddings_model
        self._minutes = config.perf_model_idle_timeout_minutes

    @property
    def _manager(self) -> ModelManager:
        return get_model_manager(self._model_name, self._minutes)

    def embed(self, texts: Sequence[str]) -> Vector:
        """The vectors of some texts; see `Embedder.embed`."""
        import numpy as np

        model = self._manager.get_model()
        self._check_length()
        found = np.asarray(model.encode(list(texts), show_progress_bar=False), dtype=np.float32)
        return unit_rows(found[:, : self.dimensions])

    def problem(self) -> EmbeddingModelUnavailableError | None:
        """See `Embedder.problem`."""
        return self._manager.problem()

    def load(self) -> None:
        """See `Embedder.load`."""
        self._manager.get_model()
        self._check_length()

    def download(self) -> None:
        """See `Embedder.download`."""
        self._manager.download()
        self._check_length()

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._manager.is_loaded()

    @property
    def native_dimensions(self) -> int | None:
        """Length of the model's own vectors, None until it was loaded."""
        return self._manager.dimensions

    def _check_length(self) -> None:
        native = self.native_dimensions
        if native is not None and native < self.dimensions:
            fitting = [str(length) for length in VALID_EMBEDDING_DIMENSIONS if length <= native]
            advice = f"set it to {' or '.join(fitting)}" if fitting else "choose another model"
            raise EmbeddingModelUnavailableError(
                f"smart_embeddings.dimensions is {self.dimensions}, but the vectors of {self.name} have {native}"
                f" numbers: {advice}"
            )
