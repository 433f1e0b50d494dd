"""A model of sentence-transformers: loaded when it is first needed, given back when nobody has used it for a while.

Nothing here goes to the network: a model is read from this machine, unless `download` is called.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from rekall import config
from rekall.errors import EmbeddingModelUnavailableError, EmbeddingPackageMissingError

PACKAGE = "sentence_transformers"
_QUIET = {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", **_QUIET}
_ONLINE = {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0", "HF_HUB_DISABLE_PROGRESS_BARS": "0", **_QUIET}


class ModelManager:
    """One model. Every method may be called from any thread.

    Args:
        model_name: a model of the hub as sentence-transformers names it, or a folder.
        timeout_minutes: minutes after its last use at which the model is given back; 0 keeps it until `check_idle`.
    """

    def __init__(self, model_name: str = "all-MiniLM-L6-v2", timeout_minutes: int = 10) -> None:
        self.model_name = model_name
        self.timeout_minutes = timeout_minutes
        self._model: Any = None
        self._last_used = 0.0
        self._loading = False
        self._model_dimensions: int | None = None
        self._lock = threading.RLock()
        self._watch: threading.Timer | None = None

    def get_model(self) -> Any:
        """The `SentenceTransformer`, loaded from this machine if it is not in memory.

        Raises:
            EmbeddingPackageMissingError: sentence-transformers is not installed.
            EmbeddingModelUnavailableError: the model is not on this machine, or cannot be loaded.
        """
        with self._lock:
            self.touch()
            if self._model is None:
                self._load(local_files_only=True)
                self.touch()
            self._watch_idleness()
            return self._model

    def download(self) -> None:
        """Fetch the model over the network, and load it. Nothing else goes there.

        Raises:
            EmbeddingPackageMissingError: sentence-transformers is not installed.
            EmbeddingModelUnavailableError: the model cannot be fetched, or not be loaded.
        """
        with self._lock:
            self._load(local_files_only=False)
            self.touch()
            self._watch_idleness()

    def problem(self) -> EmbeddingModelUnavailableError | None:
        """Why `get_model` would fail, as far as that shows without loading anything; None when nothing shows."""
        if self._model is not None:
            return None
        if not _is_installed():
            return _package_missing()
        if not is_on_this_machine(self.model_name):
            return EmbeddingModelUnavailableError(
                f"the embedding model {self.model_name} is not on this machine: run 'rekall embeddings --download'"
            )
        return None

    def check_idle(self) -> bool:
        """Give the model back if it was last used more than `timeout_minutes` ago; tell whether it was."""
        with self._lock:
            if self._model is None or self.idle_seconds <= self.timeout_minutes * 60:
                return False
            self.unload()
            return True

    def unload(self) -> None:
        """Give the model back; the next `get_model` loads it again."""
        with self._lock:
            if self._watch is not None:
                self._watch.cancel()
                self._watch = None
            if self._model is not None:
                self._model = None
                gc.collect()

    def touch(self) -> None:
        """Note that the model is used now."""
        self._last_used = time.time()

    def is_loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._model is not None

    def is_loading(self) -> bool:
        """Whether another thread is loading it."""
        return self._loading

    @property
    def dimensions(self) -> int | None:
        """Length of the model's vectors, None until it was loaded."""
        return self._model_dimensions

    @property
    def idle_seconds(self) -> float:
        """Seconds since the last use, 0 before the first."""
        return time.time() - self._last_used if self._last_used else 0.0

    @property
    def stats(self) -> dict[str, Any]:
        """`model_name`, `is_loaded`, `is_loading`, `idle_seconds`, `timeout_minutes`, `dimensions`."""
        return {
            "model_name": self.model_name,
            "is_loaded": self.is_loaded(),
            "is_loading": self.is_loading(),
            "idle_seconds": round(self.idle_seconds, 1),
            "timeout_minutes": self.timeout_minutes,
            "dimensions": self.dimensions,
        }

    def _load(self, *, local_files_only: bool) -> None:
        _set_offline(local_files_only)
        self._loading = True
        try:
            from sentence_transformers import SentenceTransformer

            model = SentenceTransformer(self.model_name, local_files_only=local_files_only)
            # the method has two names: where the newer one is, the older one warns
            length = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
            dimensions = length()
        except ModuleNotFoundError as error:
            raise _package_missing(error.name or PACKAGE) from error
        except Exception as error:  # of torch, of the hub, of the file: whatever stands in the way of this model
            advice = "run 'rekall embeddings --download'" if local_files_only else "check its name and the network"
            raise EmbeddingModelUnavailableError(
                f"Failed to load model {self.model_name} ({_first_line(error)}): {advice}"
            ) from error
        finally:
            self._loading = False
        self._model, self._model_dimensions = model, None if dimensions is None else int(dimensions)

    def _watch_idleness(self) -> None:
        """Look again when the time is over; a thread that ends with the program does it."""
        if self.timeout_minutes > 0 and self._watch is None:
            self._watch = threading.Timer(max(self.timeout_minutes * 60 - self.idle_seconds, 0) + 0.1, self._look)
            self._watch.daemon = True
            self._watch.start()

    def _look(self) -> None:
        with self._lock:
            self._watch = None
            if self._model is not None and not self.check_idle():
                self._watch_idleness()


def is_on_this_machine(model_name: str) -> bool:
    """Whether the files of a model are where sentence-transformers would look for them; nothing is imported for it."""
    if Path(model_name).expanduser().is_dir():
        return True
    full = model_name if "/" in model_name else f"sentence-transformers/{model_name}"
    folder = f"models--{full.replace('/', '--')}"
    return any(
        (cache / folder / "snapshots").is_dir() or (cache / full.replace("/", "_")).is_dir() for cache in _caches()
    )


def _caches() -> list[Path]:
    """The folders that keep downloaded models, as the environment of the libraries names them."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    home = Path(os.environ.get("HF_HOME") or cache / "huggingface").expanduser()
    named = [os.environ.get(name) for name in ("SENTENCE_TRANSFORMERS_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")]
    return [home / "hub", *(Path(name).expanduser() for name in named if name)]


def _set_offline(offline: bool) -> None:
    """Tell the libraries whether they may use the network: by the environment, which they read when first imported."""
    os.environ.update(_OFFLINE if offline else _ONLINE)
    hub = sys.modules.get("huggingface_hub.constants")
    if hub is not None:
        vars(hub)["HF_HUB_OFFLINE"] = offline


def _is_installed() -> bool:
    if PACKAGE in sys.modules:
        return sys.modules[PACKAGE] is not None
    return importlib.util.find_spec(PACKAGE) is not None


def _package_missing(name: str = PACKAGE) -> EmbeddingPackageMissingError:
    return EmbeddingPackageMissingError(
        f"embedding dependencies not available: {name.replace('_', '-')} is not installed,"
        " run 'pip install sentence-transformers' (in a checkout of Rekall: pip install '.[embeddings]')"
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


_model_manager: ModelManager | None = None
_lock = threading.Lock()


def get_model_manager(model_name: str | None = None, timeout_minutes: int | None = None) -> ModelManager:
    """The model manager of this process: that of the configured model.

    Args:
        model_name: makes a new one when it differs, which is that of the process from then on; so does the other. What
            is left out is as configured for the first one, and stays afterwards.
        timeout_minutes: minutes without use.
    """
    global _model_manager
    with _lock:
        before = _model_manager
        if before is None:
            current = config.get_config()
            before = ModelManager(current.smart_embeddings_model, current.perf_model_idle_timeout_minutes)
        name = model_name or before.model_name
        minutes = before.timeout_minutes if timeout_minutes is None else timeout_minutes
        if (name, minutes) == (before.model_name, before.timeout_minutes):
            _model_manager = before
        else:
            before.unload()
            _model_manager = ModelManager(name, minutes)
        return _model_manager


def reset_model_manager() -> None:
    """Give back the model of this process, and forget its manager."""
    global _model_manager
    with _lock:
        if _model_manager is not None:
            _model_manager.unload()
        _model_manager = None
