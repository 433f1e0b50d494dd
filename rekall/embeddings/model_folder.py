"""A folder as sentence-transformers saves a model: which files say what. Nothing but these files is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rekall.embeddings.architecture import Architecture, UnknownModelError, read_architecture
from rekall.embeddings.pooling import FLAGS, POOLINGS
from rekall.embeddings.weights import weight_files
from rekall.errors import EmbeddingModelUnavailableError

TOKENIZER = "tokenizer.json"
_LIMITS = tuple(
    f"sentence_{kind}_config.json" for kind in ("bert", "roberta", "distilbert", "camembert", "xlm-roberta", "mpnet")
)


class Dense(NamedTuple):
    """A layer over the pooled vector.

    Attributes:
        folder: holds its weights.
        activation: name of the function after it: "Identity" or "Tanh".
    """

    folder: Path
    inner: int
    outer: int
    has_bias: bool
    activation: str


class ModelFolder(NamedTuple):
    """What a folder says of its model.

    Attributes:
        path: the folder.
        transformer: the folder of the network, the same or one in it.
        most_tokens: of a text; what is longer is cut.
        lower_case: whether a text is brought to lower case first.
        prompt: is put before each text.
        poolings: how the vectors of tokens become one; several are put behind one another.
        dense: layers after it, in their order.
        normalizes: whether the vector gets the length 1.
    """

    path: Path
    transformer: Path
    architecture: Architecture
    most_tokens: int
    lower_case: bool
    prompt: str
    poolings: tuple[str, ...]
    dense: tuple[Dense, ...]
    normalizes: bool


def read_folder(path: Path) -> ModelFolder:
    """Read all of a model but its weights and its vocabulary.

    Raises:
        UnknownModelError: Rekall does not compute it by itself.
        EmbeddingModelUnavailableError: a file is missing or damaged.
    """
    modules = _modules(path)
    transformer = path / modules[0][1]
    config = _read(transformer / "config.json")
    architecture = read_architecture(transformer, config)
    weight_files(transformer)
    if not (transformer / TOKENIZER).is_file():
        raise EmbeddingModelUnavailableError(f"{transformer / TOKENIZER} is missing")
    limits = next((_read(transformer / name) for name in _LIMITS if (transformer / name).is_file()), {})
    if limits.get("transformer_task", "feature-extraction") != "feature-extraction":
        raise _unknown(path, f"its task is {limits['transformer_task']}")
    poolings: tuple[str, ...] = ("mean",)
    dense: list[Dense] = []
    normalizes = False
    for kind, place in modules[1:]:
        if normalizes or (kind == "Pooling" and dense):
            raise _unknown(path, f"a {kind} where none is expected")
        if kind == "Pooling":
            poolings = _poolings(path / place)
        elif kind == "Dense":
            dense.append(_dense(path / place))
        else:
            normalizes = kind == "Normalize"
    return ModelFolder(
        path,
        transformer,
        architecture,
        _most_tokens(transformer, limits, architecture),
        limits.get("do_lower_case") is True,
        _prompt(path),
        poolings,
        tuple(dense),
        normalizes,
    )


def _modules(path: Path) -> list[tuple[str, str]]:
    """Kind and folder of each module; without modules.json a network and the mean, as sentence-transformers has it."""
    file = path / "modules.json"
    if not file.is_file():
        return [("Transformer", "")]
    listed = _read_any(file)
    try:
        modules = [(str(one["type"]).rpartition(".")[2], str(one["path"])) for one in listed]
    except (TypeError, KeyError) as error:
        raise EmbeddingModelUnavailableError(f"{file} is damaged ({error!r})") from error
    if not modules or modules[0][0] != "Transformer":
        raise _unknown(path, f"it begins with a {modules[0][0] if modules else 'nothing'}")
    for kind, _ in modules[1:]:
        if kind not in ("Pooling", "Dense", "Normalize", "Dropout"):
            raise _unknown(path, f"it has a {kind}")
    return modules


def _poolings(folder: Path) -> tuple[str, ...]:
    config = _read(folder / "config.json")
    if config.get("include_prompt") is False and _prompt(folder.parent):
        raise _unknown(folder.parent, "its prompt is left out of the pooling")
    named = config.get("pooling_mode") or [name for key, name in FLAGS.items() if config.get(key)] or ["mean"]
    found = [named] if isinstance(named, str) else list(named)
    if not set(found) <= set(POOLINGS):
        raise _unknown(folder.parent, f"its pooling is {', '.join(map(str, found))}")
    return tuple(found)


def _dense(folder: Path) -> Dense:
    config = _read(folder / "config.json")
    activation = str(config.get("activation_function", "torch.nn.modules.activation.Tanh")).rpartition(".")[2]
    if activation not in ("Identity", "Tanh"):
        raise _unknown(folder.parent, f"its activation is {activation}")
    inner, outer = config.get("in_features"), config.get("out_features")
    if not isinstance(inner, int) or not isinstance(outer, int):
        raise EmbeddingModelUnavailableError(f"{folder / 'config.json'} does not say in_features and out_features")
    weight_files(folder)
    return Dense(folder, inner, outer, config.get("bias") is not False, activation)


def _prompt(path: Path) -> str:
    file = path / "config_sentence_transformers.json"
    config = _read(file) if file.is_file() else {}
    prompts, name = config.get("prompts"), config.get("default_prompt_name")
    return str(prompts.get(name) or "") if isinstance(prompts, dict) and name else ""


def _most_tokens(transformer: Path, limits: Mapping[str, Any], architecture: Architecture) -> int:
    most = limits.get("max_seq_length")
    if most is None:
        file = transformer / "tokenizer_config.json"
        most = (_read(file) if file.is_file() else {}).get("model_max_length")
    # what has no limit of its own says so with a very large number
    usable = isinstance(most, (int, float)) and most >= 3
    return min(int(most), architecture.most_tokens) if usable and most is not None else architecture.most_tokens


def _read(file: Path) -> dict[str, Any]:
    found = _read_any(file)
    if not isinstance(found, dict):
        raise EmbeddingModelUnavailableError(f"{file} is damaged (no JSON object)")
    return found


def _read_any(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EmbeddingModelUnavailableError(f"{file} is missing") from None
    except (OSError, ValueError) as error:
        raise EmbeddingModelUnavailableError(f"{file} is damaged ({error})") from error


def _unknown(path: Path, what: str) -> UnknownModelError:
    return UnknownModelError(
        f"Rekall does not compute the model in {path} by itself ({what}): run 'pip install sentence-transformers'"
    )
