"""Make the outline of the land behind maps of the world, once and offline.

    python sample_data/coasts.py land-110m.json

land-110m.json (TopoJSON) comes with the npm package world-atlas 2.0.2 (ISC), made from Natural
Earth 1:110m (public domain). Points are rounded to tenths of a degree.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HALF_TURN = 1800
OUT = Path(__file__).resolve().parent.parent / "rsviz" / "draw" / "coasts.npz"


def outlines(topology: dict) -> list[NDArray[np.int16]]:
    """Lines (N, 2) around land, of longitude and latitude in tenths of a degree."""
    scale, shift = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.cumsum(arc, axis=0) * scale + shift for arc in topology["arcs"]]
    found = []
    for shape in topology["objects"]["land"]["geometries"]:
        for ring in (ring for polygon in shape["arcs"] for ring in polygon):
            # An arc ~i is arc i backwards; each begins where the last one ended.
            parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in ring]
            line = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
            tenths = np.rint(10 * line).astype(np.int16)
            moved = np.r_[True, (np.diff(tenths, axis=0) != 0).any(axis=1)]
            found += apart(tenths[moved])
    return [line for line in found if len(line) > 3]


def apart(ring: NDArray[np.int16]) -> list[NDArray[np.int16]]:
    """A ring cut where it leaves one side of the map and comes back at the other."""
    cuts = np.flatnonzero(np.abs(np.diff(ring[:, 0].astype(int))) > HALF_TURN) + 1
    if not cuts.size:
        return [ring]
    turned = np.concatenate([ring[cuts[0] : -1], ring[: cuts[0]]])  # the last point is the first
    return np.split(turned, cuts[1:] - cuts[0])


def main() -> None:
    """Read the file that the command line names and write the lines."""
    lines = outlines(json.loads(Path(sys.argv[1]).read_text()))
    np.savez_compressed(
        OUT, points=np.concatenate(lines), lengths=np.array([len(line) for line in lines], np.int16)
    )


if __name__ == "__main__":
    main()
