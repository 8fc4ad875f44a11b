"""Types that several modules share."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
CodeArray: TypeAlias = npt.NDArray[np.int32]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
AnyArray: TypeAlias = npt.NDArray[Any]

RandomState: TypeAlias = "int | np.random.SeedSequence | np.random.Generator | None"

Unit: TypeAlias = Literal["user", "session"]
"""Unit of analysis: a user's whole journey, or one session."""
