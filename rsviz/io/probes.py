"""Three files that a sound machine refuses, made to find out whether it does.

A raster whose numbers are the bytes of another file, an HDF5 array that lies in another file, and
a NumPy array of a terabyte without a single number. Each is written in a folder of its own
beside a canary, whose bytes must not come out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

CANARY = b"rsviz-canary-" * 64
SIDE = 16
MANY = 2**20
SOUND = "sound.npy"


def write_probes(folder: Path) -> dict[str, Path]:
    """Write the canary, the probes, and a sound file; what each probe would do, and its path."""
    folder = folder.resolve()
    canary = folder / "canary" / "secret.txt"
    canary.parent.mkdir()
    canary.write_bytes(CANARY)
    np.save(folder / SOUND, np.arange(SIDE * SIDE, dtype=np.uint8).reshape(SIDE, SIDE))
    return {
        "a raster that shows another file": _raw_raster(folder, canary),
        "an HDF5 array that lies in another file": _external_array(folder, canary),
        "an array of a terabyte": _huge_array(folder),
    }


def _raw_raster(folder: Path, canary: Path) -> Path:
    path = folder / "raster.tif"
    path.write_text(
        f'<VRTDataset rasterXSize="{SIDE}" rasterYSize="{SIDE}"><VRTRasterBand dataType="Byte" '
        f'band="1" subClass="VRTRawRasterBand"><SourceFilename>{canary}</SourceFilename>'
        f"<ImageOffset>0</ImageOffset><PixelOffset>1</PixelOffset><LineOffset>{SIDE}</LineOffset>"
        "</VRTRasterBand></VRTDataset>",
        encoding="utf8",
    )
    return path


def _external_array(folder: Path, canary: Path) -> Path:
    import h5py

    path = folder / "external.h5"
    with h5py.File(path, "w") as file:
        outside = [(str(canary), 0, SIDE * SIDE)]
        file.create_dataset("scene", (SIDE, SIDE), "u1", external=outside)
    return path


def _huge_array(folder: Path) -> Path:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({MANY}, {MANY}), }}\n".encode()
    path = folder / "huge.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    return path
