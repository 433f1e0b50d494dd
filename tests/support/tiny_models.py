"""Folders as sentence-transformers saves models, so small that their vectors are computed in no time.

Their weights follow from a formula: whoever builds one anywhere gets the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

MOST_TOKENS = 24
_BERT_MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_ROBERTA_MARKS = ("<s>", "<pad>", "</s>", "<unk>")
_WORDS = ("walrus", "sea", "proxy", "session", "cookie", "lost", "the", "at", "a")


@dataclass(frozen=True)
class Kind:
    """What a folder is to hold.

    Args:
        model_type: as config.json has it.
        size: numbers of a vector between two layers.
        config: more of config.json.
        pooling: the file 1_Pooling/config.json; None for a folder without modules.json.
        dense: numbers that a layer after the pooling makes of the vector; 0 for none.
        normalizes: whether the last module gives each vector the length 1.
    """

    model_type: str = "bert"
    size: int = 32
    config: Mapping[str, Any] = field(default_factory=dict)
    pooling: Mapping[str, Any] | None = field(default_factory=lambda: {"pooling_mode_mean_tokens": True})
    dense: int = 0
    normalizes: bool = True

    @property
    def marks(self) -> tuple[str, ...]:
        """What stands for padding, an unknown word, the beginning and the end."""
        return _BERT_MARKS if self.model_type in ("bert", "distilbert") else _ROBERTA_MARKS


def build(folder: Path, kind: Kind | None = None) -> Path:
    """Lay a model into a folder that does not exist yet; returns it."""
    kind = kind or Kind()
    folder.mkdir(parents=True)
    words = _tokenizer(folder, kind)
    config = _config(kind, words) | dict(kind.config)
    _write(folder / "config.json", config)
    save_file(_weights(kind, config), folder / "model.safetensors", metadata={"format": "pt"})
    if kind.pooling is None:
        return folder
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
    _write(folder / "sentence_bert_config.json", {"max_seq_length": MOST_TOKENS, "do_lower_case": False})
    _write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": kind.size, **kind.pooling})
    if kind.dense:
        modules.append(("2_Dense", "Dense"))
        inner = kind.size * max(1, sum(value is True for value in kind.pooling.values()))
        tanh = "torch.nn.modules.activation.Tanh"
        shape = {"in_features": inner, "out_features": kind.dense, "bias": True, "activation_function": tanh}
        _write(folder / "2_Dense" / "config.json", shape)
        layer = {"linear.weight": _numbers(90, (kind.dense, inner)), "linear.bias": _numbers(91, (kind.dense,))}
        save_file(layer, folder / "2_Dense" / "model.safetensors")
    if kind.normalizes:
        modules.append(("3_Normalize", "Normalize"))
    listed = [
        {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{name}"}
        for place, (path, name) in enumerate(modules)
    ]
    _write(folder / "modules.json", listed)
    return folder


def _write(file: Path, content: object) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")


def _tokenizer(folder: Path, kind: Kind) -> int:
    """Write tokenizer.json and what the libraries want beside it; returns how many tokens there are."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.:-ößü数据"
    tokens = [*kind.marks, *_WORDS, *letters, *(f"##{letter}" for letter in letters)]
    padding, unknown, first, last = (
        kind.marks if kind.marks is _BERT_MARKS else (kind.marks[place] for place in (1, 3, 0, 2))
    )
    vocabulary = {token: place for place, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=unknown))
    tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(mark, vocabulary[mark]) for mark in (first, last)]
    )
    # as models of the hub have it: for one size of batch
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8, pad_token=padding, pad_id=vocabulary[padding])
    tokenizer.save(str(folder / "tokenizer.json"))
    marks = {"pad_token": padding, "unk_token": unknown, "cls_token": first, "sep_token": last}
    _write(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": MOST_TOKENS, **marks},
    )
    return len(tokens)


def _config(kind: Kind, words: int) -> dict[str, Any]:
    if kind.model_type == "distilbert":
        shape = {"dim": kind.size, "n_layers": 2, "n_heads": 4, "hidden_dim": 2 * kind.size, "activation": "gelu"}
        positions = 32
    else:
        shape = {"hidden_size": kind.size, "num_hidden_layers": 2, "num_attention_heads": 4, "hidden_act": "gelu"}
        shape |= {"intermediate_size": 2 * kind.size, "layer_norm_eps": 1e-5, "type_vocab_size": 2}
        positions = 32 if kind.model_type == "bert" else 34
    padding = 0 if kind.marks is _BERT_MARKS else 1
    fixed = {"model_type": kind.model_type, "vocab_size": words, "pad_token_id": padding}
    return {**fixed, "max_position_embeddings": positions, **shape}


def _weights(kind: Kind, config: Mapping[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Every tensor of the network, by the names of its architecture."""
    size = kind.size
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (config["vocab_size"], size),
        "embeddings.position_embeddings.weight": (config["max_position_embeddings"], size),
        "embeddings.LayerNorm": (size,),
    }
    names = {
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "joined": "attention.output.dense",
        "norm": "attention.output.LayerNorm",
        "wide": "intermediate.dense",
        "narrow": "output.dense",
        "last": "output.LayerNorm",
    }
    layer = "encoder.layer"
    if kind.model_type == "distilbert":
        layer = "transformer.layer"
        names |= {"query": "attention.q_lin", "key": "attention.k_lin", "value": "attention.v_lin"}
        names |= {"joined": "attention.out_lin", "norm": "sa_layer_norm", "last": "output_layer_norm"}
        names |= {"wide": "ffn.lin1", "narrow": "ffn.lin2"}
    elif kind.model_type == "mpnet":
        names |= {"query": "attention.attn.q", "key": "attention.attn.k", "value": "attention.attn.v"}
        names |= {"joined": "attention.attn.o", "norm": "attention.LayerNorm"}
        shapes["encoder.relative_attention_bias.weight"] = (32, 4)
    else:
        shapes["embeddings.token_type_embeddings.weight"] = (2, size)
    of_layer = {"wide": (2 * size, size), "narrow": (size, 2 * size), "norm": (size,), "last": (size,)}
    for number in range(2):
        for part, name in names.items():
            shapes[f"{layer}.{number}.{name}"] = of_layer.get(part, (size, size))
    tensors = {}
    for place, (name, shape) in enumerate(shapes.items()):
        if name.endswith(".weight"):
            tensors[name] = _numbers(2 * place, shape)
        else:
            tensors[f"{name}.weight"] = _numbers(2 * place, shape) + (1 if len(shape) == 1 else 0)
            tensors[f"{name}.bias"] = _numbers(2 * place + 1, shape[:1])
    return {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in tensors.items()}


def _numbers(seed: int, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Numbers from -0.4 to 0.4 in no order that one sees: a multiplicative hash of their places (Knuth)."""
    places = np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(seed * 7919 + 1)
    mixed = (places * np.uint64(2654435761)) % np.uint64(2**32)
    mixed = ((mixed ^ (mixed >> np.uint64(15))) * np.uint64(2246822519)) % np.uint64(2**32)
    return np.asarray(((mixed / 2**32 - 0.5) * 0.8).reshape(shape), dtype=np.float32)
