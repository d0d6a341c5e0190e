"""Writes the small HDF5 files that the fuzzing tests change: corpus-*.h5, one for each generation of the format.

Run with h5py and numpy installed:  python3 Tests/Fixtures/make_corpus.py
"""

import pathlib

import h5py
import numpy as np

here = pathlib.Path(__file__).parent
table = np.arange(60.0).reshape(12, 5) / 8


def texts(file):
    file["names"] = ["shape", "größe"]
    file.attrs["fixed"] = np.array([b"shape", b"scale"])
    file.attrs["variable"] = ["posX", "posY"]


# Superblock 0: symbol tables, headers of version 1, chunks in B-trees of version 1, all filters.
with h5py.File(here / "corpus-earliest.h5", "w", libver="earliest") as file:
    file.create_dataset("filtered", data=table, chunks=(5, 3), compression="gzip", shuffle=True, fletcher32=True)
    file.create_dataset("lzf", data=np.repeat(table.astype("u1"), 4), chunks=(100,), compression="lzf")
    file["group/big"] = np.array([3, -1], ">i4")
    file["soft"] = h5py.SoftLink("/group/big")
    file["group/itself"] = file["group"]
    texts(file)

# Superblock 2: headers of version 2, links and attributes in fractal heaps.
with h5py.File(here / "corpus-v108.h5", "w", libver=("v108", "v108")) as file:
    for index in range(9):
        file[f"links/{index}"] = np.float16(index)
    file["links/1"].attrs.update({f"attribute {index}": index for index in range(9)})
    file.create_dataset("chunks", data=table, chunks=(5, 3), maxshape=(None, 5), compression="gzip")
    texts(file)

# Superblock 3: the five indexes of chunks.
with h5py.File(here / "corpus-latest.h5", "w", libver="latest") as file:
    file.create_dataset("single", data=table, chunks=table.shape, compression="gzip")
    file.create_dataset("fixed", data=table, chunks=(5, 3), compression="gzip")
    file.create_dataset("extensible", data=table, chunks=(2, 5), maxshape=(None, 5), compression="gzip")
    file.create_dataset("long", data=np.arange(50, dtype="u1"), chunks=(1,), maxshape=(None,))
    file.create_dataset("tree", data=table, chunks=(5, 3), maxshape=(None, None), compression="gzip")
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk((5, 3))
    creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    space = h5py.h5s.create_simple(table.shape)
    array = h5py.h5d.create(file.id, b"implicit", h5py.h5t.IEEE_F64LE, space, creation)
    array.write(h5py.h5s.ALL, h5py.h5s.ALL, table)
    texts(file)
