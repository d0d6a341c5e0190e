"""dSprites, and pairs of data points for weak supervision."""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ._process import Array, call


class DSprites:
    """The 737,280 binary images of dSprites (Matthey et al. 2017), drawn by the program to the bit.

    Images are kept as bits in a file that all processes share. Factors, the last of which runs fastest: shape (square,
    ellipse, heart), scale, orientation, position x and y.
    """

    names = ("shape", "scale", "orientation", "posX", "posY")
    sizes = (3, 6, 40, 32, 32)

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bits = _stored(path, "packed_images")
        """The images, eight pixels to the byte, the first in the lowest bit: uint8 [737280, 64, 8]."""
        if self.bits.shape != (737_280, 64, 8):
            raise ValueError(f"{path}: the images are {self.bits.shape}, not those of dSprites; remove it to draw it anew")

    def __len__(self) -> int:
        return len(self.bits)

    @property
    def factors(self) -> Array:
        """The values of all factors, int64 [737280, 5]."""
        return np.stack(np.unravel_index(np.arange(len(self)), self.sizes), axis=1)

    def __getitem__(self, index: Any) -> Array:
        """Images as 0 and 1, uint8 [n, 64, 64], or [64, 64] of a single index."""
        return np.unpackbits(np.asarray(self.bits[index]), axis=-1, bitorder="little")


def dsprites(path: str | os.PathLike[str] | None = None) -> DSprites:
    """dSprites, drawn when it is first asked for, which takes some seconds and 407 MB.

    `path` is the file to use or to make, by default in the user's folder of caches.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    file = Path(path) if path is not None else Path(cache, "disentangle", "dsprites.npz")
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        call(["dataset", "convert", "dsprites", str(file), "--force", "--log-level", "warning"], title="dsprites")
    return DSprites(file)


def _stored(path: Path, name: str) -> Array:
    """An array of an NPZ file that is stored without compression, mapped into memory."""
    with zipfile.ZipFile(path) as archive, open(path, "rb") as raw:
        if f"{name}.npy" not in archive.namelist():
            raise ValueError(f"{path}: there is no array {name}; expected a file of disentangle dataset convert")
        member = archive.getinfo(f"{name}.npy")
        if member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{path}: {name} is compressed")
        raw.seek(member.header_offset + 26)
        raw.seek(member.header_offset + 30 + sum(struct.unpack("<HH", raw.read(4))))
        major, _ = np.lib.format.read_magic(raw)
        read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(raw)
        return np.memmap(path, dtype, "r", raw.tell(), shape)


@dataclass(frozen=True)
class Pairs:
    """Pairs of data points of a complete grid of factors."""

    first: Array
    """The numbers of the first data points, [n]."""
    second: Array
    """The numbers of the second, [n]."""
    differs: Array
    """Which factors differ, bool [n, K]."""


def sample_pairs(sizes: Sequence[int], count: int, *, differing: int | None = None, seed: int = 0) -> Pairs:
    """Draws pairs of data points that share all but some factors, as weak supervision has them (Locatello et al. 2020,
    arXiv:2002.02886).

    `sizes` are the numbers of values of the factors, the last of which runs fastest. The first data point is uniform;
    `differing` factors, by default a number from 1 to K − 1 for each pair, take another value, uniform among the others.
    """
    extents = np.asarray(sizes, np.int64)
    if extents.ndim != 1 or (extents < 1).any() or not (extents > 1).any() or count < 1:
        raise ValueError(f"sizes is {list(sizes)}, not the numbers of values of factors, or count is {count}")
    variable = np.flatnonzero(extents > 1)
    most = len(variable)
    if differing is not None and not 1 <= differing <= most:
        raise ValueError(f"differing is {differing}, not from 1 to {most}, the factors with several values")
    random = np.random.default_rng(seed)
    first = random.integers(0, extents, size=(count, len(extents)))
    numbers = np.full(count, differing) if differing is not None else random.integers(1, max(most, 2), size=count)
    differs = np.zeros((count, len(extents)), bool)
    differs[:, variable] = random.permuted(np.tile(np.arange(most), (count, 1)), axis=1) < numbers[:, None]
    others = (first + random.integers(1, np.maximum(extents, 2), size=first.shape)) % extents
    second = np.where(differs, others, first)
    shape = tuple(extents.tolist())
    return Pairs(np.ravel_multi_index(tuple(first.T), shape), np.ravel_multi_index(tuple(second.T), shape), differs)
