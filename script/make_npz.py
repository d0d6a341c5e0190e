#!/usr/bin/env python3
"""Converts an HDF5 file in the layout of the published dSprites file to an NPZ file in that layout:

    disentangle dataset render dsprites --output dsprites.h5
    python3 script/make_npz.py dsprites.h5 dsprites.npz
"""

import sys

import h5py
import numpy

if len(sys.argv) != 3:
    sys.exit(__doc__.strip())
with h5py.File(sys.argv[1]) as file:
    names = [name.decode() if isinstance(name, bytes) else name for name in file.attrs["latents_names"]]
    numpy.savez_compressed(
        sys.argv[2], imgs=file["imgs"][:], latents_classes=file["latents/classes"][:],
        latents_values=file["latents/values"][:], metadata=numpy.array({"latents_names": names}, dtype=object))
