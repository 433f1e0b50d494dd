"""The vector of an entry."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from rekall.models.entries import generate_ulid

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vector: TypeAlias = npt.NDArray[np.float32]
else:
    Vector = Any  # numpy is optional, and loaded when the first vector is read

EmbeddingType = Literal["summary", "context"]

VALID_EMBEDDING_TYPES: tuple[str, ...] = get_args(EmbeddingType)
VALID_EMBEDDING_DIMENSIONS = (128, 384, 768)


@dataclass
class Embedding:
    """One vector of an entry, as it is stored.

    Args:
        vector: `dimensions` 32-bit floats, one after the other.
        dimensions: 128, 384 or 768; not compared with the length of the vector.
        model_name: the model that computed it.

    Raises:
        ValueError: unknown embedding type, or dimensions that are not one of those accepted.
    """

    id: str
    entry_id: str
    embedding_type: EmbeddingType
    vector: bytes
    dimensions: int
    model_name: str
    created_at: datetime = field(default_factory=datetime.now)

    def __post_init__(self) -> None:
        if self.embedding_type not in VALID_EMBEDDING_TYPES:
            raise ValueError(
                f"invalid embedding_type '{self.embedding_type}': use one of {', '.join(VALID_EMBEDDING_TYPES)}"
            )
        if self.dimensions not in VALID_EMBEDDING_DIMENSIONS:
            accepted = ", ".join(map(str, VALID_EMBEDDING_DIMENSIONS))
            raise ValueError(f"invalid dimensions {self.dimensions}: use one of {accepted}")

    def to_numpy(self) -> Vector:
        """The vector as a read-only array of 32-bit floats, shape (dimensions,)."""
        import numpy as np

        return np.frombuffer(self.vector, dtype=np.float32)

    @classmethod
    def from_numpy(cls, entry_id: str, embedding_type: EmbeddingType, array: Any, model_name: str) -> Embedding:
        """A new embedding of an array of shape (dimensions,), cast to 32-bit floats.

        Raises:
            ValueError: see the class.
        """
        import numpy as np

        vector = np.asarray(array, dtype=np.float32)
        return cls(generate_ulid(), entry_id, embedding_type, vector.tobytes(), len(vector), model_name)
