"""What config.json says of a network, and what its tensors are called: of those that `network` computes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rekall.embeddings.activations import ACTIVATIONS
from rekall.errors import EmbeddingModelUnavailableError


class Names(NamedTuple):
    """What an architecture calls its tensors; an empty name is one that it has not."""

    words: str
    positions: str
    kinds: str
    first_norm: str
    layers: str
    attention: tuple[str, str, str, str]
    after_attention: str
    wide: str
    narrow: str
    after_all: str
    distances: str = ""


_BERT = Names(
    words="embeddings.word_embeddings.weight",
    positions="embeddings.position_embeddings.weight",
    kinds="embeddings.token_type_embeddings.weight",
    first_norm="embeddings.LayerNorm",
    layers="encoder.layer",
    attention=("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"),
    after_attention="attention.output.LayerNorm",
    wide="intermediate.dense",
    narrow="output.dense",
    after_all="output.LayerNorm",
)
_MPNET = _BERT._replace(
    kinds="",
    attention=("attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o"),
    after_attention="attention.LayerNorm",
    distances="encoder.relative_attention_bias.weight",
)
_DISTILBERT = Names(
    words="embeddings.word_embeddings.weight",
    positions="embeddings.position_embeddings.weight",
    kinds="",
    first_norm="embeddings.LayerNorm",
    layers="transformer.layer",
    attention=("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"),
    after_attention="sa_layer_norm",
    wide="ffn.lin1",
    narrow="ffn.lin2",
    after_all="output_layer_norm",
)
_NAMES = {
    "bert": _BERT,
    "camembert": _BERT,
    "distilbert": _DISTILBERT,
    "mpnet": _MPNET,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
}


class UnknownModelError(EmbeddingModelUnavailableError):
    """A model that is whole, and of a kind that Rekall does not compute by itself."""


class Architecture(NamedTuple):
    """The shape of a network.

    Attributes:
        size: numbers of a vector between two layers. Likewise inner_size, inside of one.
        positions: rows of the matrix of positions; the first token has that of `first_position`.
        kinds: rows of the matrix of kinds of text.
        activation: by its name in config.json.
        distance_buckets: rows of the matrix of distances.
    """

    folder: Path
    names: Names
    size: int
    inner_size: int
    layers: int
    heads: int
    positions: int
    first_position: int
    kinds: int
    activation: str
    epsilon: float
    distance_buckets: int

    @property
    def most_tokens(self) -> int:
        """Tokens of a text at most."""
        return self.positions - self.first_position


def read_architecture(folder: Path, config: Mapping[str, Any]) -> Architecture:
    """What a config.json says.

    Args:
        folder: where it is, for messages.
        config: its content.

    Raises:
        UnknownModelError: of another architecture.
        EmbeddingModelUnavailableError: a value is missing or makes no sense.
    """
    kind = config.get("model_type")
    names = _NAMES.get(kind) if isinstance(kind, str) else None
    own_code = config.get("auto_map")
    if names is None or (isinstance(own_code, dict) and "AutoModel" in own_code):
        described = config.get("architectures")
        shown = described[0] if isinstance(described, list) and described else kind
        raise _unknown(folder, f"its architecture is {shown}")
    distil = names is _DISTILBERT
    activation = config.get("activation" if distil else "hidden_act", "gelu")
    if activation not in ACTIVATIONS:
        raise _unknown(folder, f"its activation is {activation}")
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise _unknown(folder, f"its positions are {config['position_embedding_type']}")

    def number(name: str, default: int | None = None) -> int:
        value = config.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise EmbeddingModelUnavailableError(f"{folder / 'config.json'} says {name} = {value!r}, not a number")
        return value

    after_padding = kind in ("roberta", "xlm-roberta", "camembert", "mpnet")
    epsilon = config.get("layer_norm_eps", 1e-12)
    found = Architecture(
        folder,
        names,
        size=number("dim" if distil else "hidden_size"),
        inner_size=number("hidden_dim" if distil else "intermediate_size"),
        layers=number("n_layers" if distil else "num_hidden_layers"),
        heads=number("n_heads" if distil else "num_attention_heads"),
        positions=number("max_position_embeddings"),
        # positions of these are counted from the number of the token that pads
        first_position=number("pad_token_id", 1) + 1 if after_padding else 0,
        kinds=number("type_vocab_size", 2) if names.kinds else 0,
        activation=activation,
        epsilon=float(epsilon) if isinstance(epsilon, (int, float)) else 1e-12,
        distance_buckets=number("relative_attention_num_buckets", 32) if names.distances else 0,
    )
    if not found.heads or found.size % found.heads or found.most_tokens < 3:
        raise EmbeddingModelUnavailableError(
            f"{folder / 'config.json'} makes no sense: {found.heads} heads, {found.size} numbers,"
            f" {found.positions} positions"
        )
    return found


def _unknown(folder: Path, what: str) -> UnknownModelError:
    return UnknownModelError(
        f"Rekall does not compute the model in {folder} by itself ({what}): run 'pip install sentence-transformers'"
    )
