"""What a network does with each number inside of a layer. numpy is loaded on use."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rekall.models import Vector


def gelu(x: Vector) -> Vector:
    """`x (1 + erf(x / sqrt 2)) / 2`: Hendrycks & Gimpel, "Gaussian Error Linear Units" (2016).

    erf by 7.1.26 of Abramowitz & Stegun, "Handbook of Mathematical Functions" (1964), off by 1.5e-7 at most; computed
    as its complement, so that small values are not lost in a difference.
    """
    import numpy as np

    size = np.abs(x)
    z = size * math.sqrt(0.5)
    t = z * 0.3275911
    t += 1
    np.divide(1, t, out=t)
    complement: Vector = np.multiply(t, np.float32(1.061405429), dtype=np.float32)
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        complement += coefficient
        complement *= t
    z *= z
    np.negative(z, out=z)
    complement *= np.exp(z, out=z)
    complement *= size
    complement *= -0.5
    complement += np.maximum(x, 0, out=size)
    return complement


def gelu_tanh(x: Vector) -> Vector:
    """The approximation of `gelu` by tanh, of the same authors."""
    import numpy as np

    bent = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))
    return np.asarray(0.5 * x * (1 + bent), dtype=np.float32)


def relu(x: Vector) -> Vector:
    """What is above 0."""
    import numpy as np

    found: Vector = np.maximum(x, 0)
    return found


ACTIVATIONS: dict[str, Callable[[Vector], Vector]] = {
    "gelu": gelu,
    "gelu_new": gelu_tanh,
    "gelu_pytorch_tanh": gelu_tanh,
    "relu": relu,
}
"""By their names in config.json."""
