"""When a test statistic that is looked at again and again first leaves its limits."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from persona_tui.engine.types import FloatArray

_N_NODES: Final = 96
"""Of a quadrature between the limits."""


def first_crossing(times: FloatArray, limits: FloatArray, drift: float) -> FloatArray:
    """Return the chances that Z, of mean drift √time, first leaves ± its limit up and down; shape (2, T)."""
    nodes, weights = np.polynomial.legendre.leggauss(_N_NODES)
    at, mass, left = np.zeros(1), np.ones(1), []
    for step, edge in zip(np.diff(times, prepend=0.0), limits * np.sqrt(times), strict=True):
        ahead, noise = at + drift * step, math.sqrt(step)
        left.append([mass @ below((side * ahead - edge) / noise) for side in (1, -1)])
        at = edge * nodes
        density = np.exp(-(((at[:, None] - ahead) / noise) ** 2) / 2) @ mass / (noise * math.sqrt(math.tau))
        mass = edge * weights * density
    return np.array(left).T


def below(z: FloatArray) -> FloatArray:
    """Return the chances that a standard normal number is below each of some."""
    return np.array([0.5 * math.erfc(-each / math.sqrt(2)) for each in z.ravel()]).reshape(z.shape)
