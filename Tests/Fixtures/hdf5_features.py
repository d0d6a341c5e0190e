"""Writes HDF5 files that use what the format offers, each with an NPZ file of what h5py reads back from it.

python3 Tests/Fixtures/hdf5_features.py FOLDER makes NAME.h5 and NAME.npz for each version of the format. The test
"Files that use all of the format" runs it.
"""

import pathlib
import sys
import warnings

import h5py
import numpy as np

warnings.simplefilter("ignore")


def low_level(file, name, values, prepare):
    """An array made by the calls that h5py's own create_dataset lacks."""
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    prepare(creation)
    space = h5py.h5s.create_simple(values.shape)
    array = h5py.h5d.create(file.id, name.encode(), h5py.h5t.py_create(values.dtype), space, creation)
    array.write(h5py.h5s.ALL, h5py.h5s.ALL, values)


def early(creation):
    creation.set_chunk((2, 3))
    creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)


def fill(file):
    rng = np.random.default_rng(1)
    table = rng.normal(size=(41, 7))
    file["group/floats"] = np.arange(6, dtype="f4").reshape(2, 3)
    file["scalar"] = 7.0
    file["flags"] = np.array([True, False])
    for kind in "i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8 >i2 >i4 >i8 >f4 >f8".split():
        file[f"types/{kind}"] = np.arange(5).astype(kind)

    # Filters.
    sprites = rng.integers(0, 4, (23, 17, 5)).astype("u1")
    file.create_dataset("filters/lzf", data=sprites, compression="lzf", chunks=(5, 4, 3))
    file.create_dataset("filters/long runs", data=np.repeat(sprites, 40), compression="lzf", chunks=(9000,))
    file.create_dataset("filters/all", data=table, compression="gzip", shuffle=True, fletcher32=True, chunks=(8, 3))
    file.create_dataset("filters/fletcher32", data=table.astype("f4"), fletcher32=True, chunks=(8, 7))
    file.create_dataset("filters/odd", data=sprites, fletcher32=True, chunks=(5, 5, 5))

    # Indexes of chunks; the same few arrays use others in other versions.
    file.create_dataset("chunks/single", data=table, chunks=(41, 7), compression="gzip")
    file.create_dataset("chunks/single plain", data=table, chunks=(41, 7))
    file.create_dataset("chunks/fixed", data=table, chunks=(10, 2))
    file.create_dataset("chunks/fixed in pages", data=np.arange(5000.0).reshape(50, 100), chunks=(2, 1))
    file.create_dataset("chunks/may grow to", data=np.arange(60.0).reshape(6, 10), chunks=(2, 3), maxshape=(20, 33))
    file.create_dataset("chunks/grows", data=table, chunks=(3, 7), maxshape=(None, 7), compression="gzip")
    file.create_dataset("chunks/grows sideways", data=table, chunks=(3, 2), maxshape=(41, None))
    file.create_dataset("chunks/grew long", data=np.arange(9000, dtype="u2"), chunks=(2,), maxshape=(None,))
    file.create_dataset("chunks/grew in pages", data=np.arange(40000, dtype="u2"), chunks=(1,), maxshape=(None,))
    file.create_dataset("chunks/grows both ways", data=table, chunks=(3, 2), maxshape=(None, None), compression="gzip")
    file.create_dataset("chunks/both ways plain", data=np.arange(8000).reshape(80, 100), chunks=(1, 2),
                        maxshape=(None, None))
    low_level(file, "chunks/implicit", np.arange(35.0).reshape(5, 7), early)
    shrunk = file.create_dataset("chunks/shrunk", data=np.arange(40.0), chunks=(4,), maxshape=(None,))
    shrunk.resize((13,))
    file.create_dataset("chunks/empty", shape=(0, 3), chunks=(1, 3), maxshape=(None, 3))
    low_level(file, "compact", np.arange(4.0), lambda creation: creation.set_layout(h5py.h5d.COMPACT))

    # What was never written.
    file.create_dataset("fill/chunks", shape=(10,), chunks=(3,), fillvalue=2.5, dtype="f8")[4] = 1
    file.create_dataset("fill/whole", shape=(4, 3), dtype="i4", fillvalue=-7)
    file.create_dataset("fill/zeros", shape=(4, 3), dtype="i4")

    # Text, attributes, links.
    file["text/variable"] = ["a", "βeta", ""]
    file["text/fixed"] = np.array([b"shape", b"scale"])
    file.attrs["fixed"] = np.array([b"shape", b"scale"])
    file.attrs["variable"] = ["posX", "posY"]
    file.attrs["one"] = "β"
    file.attrs["numbers"] = [1, 2, 3]
    file.attrs["empty"] = h5py.Empty("S1")
    for index in range(30):
        file["scalar"].attrs[f"attribute {index}"] = f"value {index}"
    file["type"] = np.dtype("f8")
    file.create_dataset("of that type", data=np.arange(3.0), dtype=file["type"])
    file["soft"] = h5py.SoftLink("/group/floats")
    file["group/relative"] = h5py.SoftLink("floats")
    file["loop"] = h5py.SoftLink("/loop")
    file["elsewhere"] = h5py.ExternalLink("other.h5", "/array")
    file["group/itself"] = file["group"]
    for index in range(1500):
        file[f"many/{index}"] = np.uint8(index % 256)
    ordered = file.create_group("ordered", track_order=True)
    for index in range(20):
        ordered[f"item {20 - index}"] = index


folder = pathlib.Path(sys.argv[1])
for version in ["earliest", "v108", "v110", "latest"]:
    for user_block in [0, 1024] if version in ("earliest", "latest") else [0]:
        name = folder / f"{version}-{user_block}"
        with h5py.File(f"{name}.h5", "w", libver=(version, "latest"), userblock_size=user_block) as file:
            fill(file)
        with h5py.File(f"{name}.h5") as file:
            found = {}

            def visit(path, item):
                if isinstance(item, h5py.Dataset) and item.dtype.kind in "biuf":
                    found[path] = item[()]

            file.visititems(visit)
            np.savez(f"{name}.npz", **found)
