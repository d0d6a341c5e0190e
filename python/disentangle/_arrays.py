"""Arrays of NumPy, PyTorch, JAX and others as NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._process import Array


def array(value: Any, name: str) -> Array:
    """The value as an array in this process's memory: a tensor is detached and copied from its device; arrays of other
    libraries come through `__array__` or DLPack.
    """
    try:
        if hasattr(value, "detach") and hasattr(value, "cpu"):
            value = value.detach().cpu()
            return np.asarray(value.float() if str(value.dtype) == "torch.bfloat16" else value)
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            return np.from_dlpack(value)
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} cannot be read as an array: {error}") from error


def matrix(value: Any, name: str, columns: str = "latents") -> Array:
    """Numbers [N, columns] as float32 or float64."""
    result = array(value, name)
    if result.dtype.kind not in "fiub":
        raise TypeError(f"{name} holds {result.dtype}, not numbers")
    if result.ndim != 2 or 0 in result.shape:
        raise ValueError(f"{name} has shape {result.shape}, not [data points, {columns}]")
    return np.ascontiguousarray(result, np.float32 if result.dtype.itemsize < 4 or result.dtype == np.float32 else np.float64)


def factor_table(value: Any, count: int) -> Array:
    """Values of factors [N, K], whole numbers from 0, −1 where unknown, as int64."""
    result = matrix(value, "factors", "factors")
    if len(result) != count:
        raise ValueError(f"factors has {len(result)} rows, codes has {count}")
    if not np.all(np.isfinite(result)) or not np.array_equal(np.rint(result), result) or (result < -1).any():
        raise ValueError("factors holds other values than whole numbers from 0, and −1 where a value is unknown")
    return result.astype(np.int64)
