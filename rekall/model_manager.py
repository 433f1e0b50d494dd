"""A model of sentence-transformers: loaded when it is first needed, given back when nobody has used it for a while.

Rekall computes the usual architectures itself (`rekall.embeddings.sentence_encoder`); sentence-transformers, where it
is installed, computes the others, and fetches models. Nothing here goes to the network: a model is read from this
machine, unless `download` is called.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rekall import config
from rekall.embeddings import hub
from rekall.embeddings.architecture import UnknownModelError
from rekall.errors import EmbeddingModelUnavailableError, EmbeddingPackageMissingError

PACKAGE = "sentence_transformers"
OWN_PACKAGES = ("numpy", "tokenizers", "safetensors")
"""What Rekall computes with itself."""
_QUIET = {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", **_QUIET}
_ONLINE = {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0", "HF_HUB_DISABLE_PROGRESS_BARS": "0", **_QUIET}


class ModelManager:
    """One model. Every method may be called from any thread.

    Args:
        model_name: a model of the hub as sentence-transformers names it, or the path of a folder.
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
        """The model, loaded from this machine if it is not in memory.

        Returns:
            A `SentenceEncoder`, or a `SentenceTransformer` where only sentence-transformers can compute the model.
            `encode(texts)` of either gives vectors, `get_sentence_embedding_dimension()` their length.

        Raises:
            EmbeddingPackageMissingError: a package that computes is not installed.
            EmbeddingModelUnavailableError: the model is not on this machine, or cannot be loaded.
        """
        with self._lock:
            self.touch()
            if self._model is None:
                self._load(self._local)
                self.touch()
            self._watch_idleness()
            return self._model

    def download(self) -> None:
        """Fetch the model over the network, and load it. Nothing else goes there.

        Raises:
            EmbeddingPackageMissingError: a package that computes or fetches is not installed.
            EmbeddingModelUnavailableError: the model cannot be fetched, or not be loaded.
        """
        with self._lock:
            self._load(self._fetched)
            self.touch()
            self._watch_idleness()

    def problem(self) -> EmbeddingModelUnavailableError | None:
        """Why `get_model` would fail, as far as that shows without loading anything; None when nothing shows."""
        if self._model is not None:
            return None
        try:
            if not _is_installed(PACKAGE):
                _require_own_packages()
                self._readable_folder()
            elif not is_on_this_machine(self.model_name):
                raise self._not_here()
        except EmbeddingModelUnavailableError as error:
            return error
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

    def _load(self, load: Callable[[], Any]) -> None:
        self._loading = True
        try:
            model = load()
            # the method has two names: where the newer one is, the older one warns
            length = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
            dimensions = length()
        except ModuleNotFoundError as error:
            if isinstance(error, EmbeddingPackageMissingError):
                raise
            raise _package_missing(error.name or PACKAGE) from error
        finally:
            self._loading = False
        self._model, self._model_dimensions = model, None if dimensions is None else int(dimensions)

    def _local(self) -> Any:
        """The model out of files on this machine."""
        _set_offline(True)
        if not _is_installed(PACKAGE):
            _import_own_packages()
            return self._encoder(self._readable_folder())
        try:
            _require_own_packages()
            return self._encoder(self._readable_folder())
        except EmbeddingModelUnavailableError:  # it reads other forms of a model too
            return self._sentence_transformer(local_files_only=True)

    def _fetched(self) -> Any:
        """The model after its files were fetched."""
        own = hub.own_folder(self.model_name)
        if own is not None:
            raise EmbeddingModelUnavailableError(f"the model {own} is a folder of your own: there is nothing to fetch")
        _set_offline(False)
        if _is_installed(PACKAGE):  # it knows what each architecture needs
            return self._sentence_transformer(local_files_only=False)
        _import_own_packages()
        os.environ.setdefault("HF_HUB_VERBOSITY", "critical")  # what goes wrong is one line, which is ours
        if not (sys.stderr and sys.stderr.isatty()):
            os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
        hub.download(self.model_name)
        try:
            return self._encoder(self._readable_folder())
        except UnknownModelError:
            raise
        except EmbeddingModelUnavailableError:  # what was there and looked whole is not fetched without this
            hub.download(self.model_name, anew=True)
            return self._encoder(self._readable_folder("choose another model, or 'pip install sentence-transformers'"))

    def _readable_folder(self, advice: str = "") -> Path:
        """The folder of the model, after a look at its files: it is one that Rekall computes itself."""
        from rekall.embeddings.model_folder import read_folder

        folder = hub.folder_of(self.model_name)
        if folder is None:
            raise self._not_here()
        try:
            read_folder(folder)
        except UnknownModelError:
            raise
        except EmbeddingModelUnavailableError as error:
            raise self._incomplete(error, advice) from error
        return folder

    def _encoder(self, folder: Path) -> Any:
        from rekall.embeddings.sentence_encoder import SentenceEncoder

        try:
            return SentenceEncoder(folder)
        except EmbeddingModelUnavailableError as error:
            raise self._incomplete(error) from error

    def _sentence_transformer(self, *, local_files_only: bool) -> Any:
        try:
            from sentence_transformers import SentenceTransformer

            return SentenceTransformer(self.model_name, local_files_only=local_files_only)
        except ModuleNotFoundError:
            raise
        except Exception as error:  # of torch, of the hub, of the file: whatever stands in the way of this model
            advice = "run 'rekall embeddings --download'" if local_files_only else "check its name and the network"
            raise EmbeddingModelUnavailableError(
                f"Failed to load model {self.model_name} ({hub.first_line(error)}): {advice}"
            ) from error

    def _not_here(self) -> EmbeddingModelUnavailableError:
        own = hub.own_folder(self.model_name)
        if own is not None:
            return EmbeddingModelUnavailableError(
                f"the embedding model {own} is not on this machine: correct smart_embeddings.model, a folder"
            )
        return EmbeddingModelUnavailableError(
            f"the embedding model {self.model_name} is not on this machine: run 'rekall embeddings --download'"
        )

    def _incomplete(self, error: EmbeddingModelUnavailableError, advice: str = "") -> EmbeddingModelUnavailableError:
        if hub.own_folder(self.model_name) is not None:
            advice = "copy the whole folder again"
        advice = advice or "run 'rekall embeddings --download'"
        return EmbeddingModelUnavailableError(f"Failed to load model {self.model_name} ({error}): {advice}")

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
    full = hub.full_name(model_name)
    folder = f"models--{full.replace('/', '--')}"
    return any(
        (cache / folder / "snapshots").is_dir() or (cache / full.replace("/", "_")).is_dir() for cache in hub.caches()
    )


def _set_offline(offline: bool) -> None:
    """Tell the libraries whether they may use the network: by the environment, which they read when first imported."""
    os.environ.update(_OFFLINE if offline else _ONLINE)
    hub = sys.modules.get("huggingface_hub.constants")
    if hub is not None:
        vars(hub)["HF_HUB_OFFLINE"] = offline


def _is_installed(package: str) -> bool:
    if package in sys.modules:
        return sys.modules[package] is not None
    return importlib.util.find_spec(package) is not None


def _require_own_packages() -> None:
    """Raises EmbeddingPackageMissingError: one of those that Rekall computes with is not installed."""
    missing = next((name for name in OWN_PACKAGES if not _is_installed(name)), None)
    if missing is not None:
        raise _package_missing(missing)


def _import_own_packages() -> None:
    """Raises EmbeddingPackageMissingError: one of them is not installed, or cannot be imported."""
    _require_own_packages()
    for name in OWN_PACKAGES:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise _package_missing(error.name or name) from error
        except ImportError as error:
            raise EmbeddingPackageMissingError(
                f"embedding dependencies not available: {name} cannot be imported ({hub.first_line(error)}),"
                f" run 'pip install --force-reinstall {name}'"
            ) from error


def _package_missing(name: str) -> EmbeddingPackageMissingError:
    """What to install: for a package that Rekall computes with, or one that sentence-transformers lacks."""
    own = name in OWN_PACKAGES
    missing = f"neither {name} nor sentence-transformers is" if own else f"{name.replace('_', '-')} is not"
    wanted = " ".join(OWN_PACKAGES) if own else "sentence-transformers"
    return EmbeddingPackageMissingError(
        f"embedding dependencies not available: {missing} installed,"
        f" run 'pip install {wanted}' (in a checkout of Rekall: pip install '.[embeddings]')"
    )


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
