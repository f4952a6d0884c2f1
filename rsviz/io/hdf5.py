"""HDF5, NetCDF-4 and MATLAB 7.3, all through the guarded door."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rsviz.io import cf
from rsviz.io.arrays import Variable, open_variables
from rsviz.io.gridded import open_gridded
from rsviz.io.hdf5_door import Dataset, Door
from rsviz.io.source import ArrayPixels, Request, SceneSource


def open_hdf5(path: Path, request: Request) -> SceneSource:
    """Open one variable of a file that is built on HDF5.

    Raises:
        UnreadableScene: it reaches beyond itself, is damaged, or holds no image.
        SceneTooLarge: a single chunk exceeds the budget.
        BadOption: the chosen variable is not there, or the axes do not fit.
    """
    with Door(path, request.budget) as door:
        datasets = list(door.datasets.values())
        if any("MATLAB_class" in d.attributes for d in datasets):
            numeric = [_matlab(door, d) for d in datasets if _is_matlab_array(d)]
            return open_variables(path, "mat73", numeric, request)
        if any(_names_dimensions(d) for d in datasets):
            arrays = {d.path: _array(door, d) for d in datasets}
            return open_gridded(path, "netcdf4", arrays, request)
        plain = [_plain(door, d) for d in datasets if d.is_numeric]
        return open_variables(path, "hdf5", plain, request)


def _names_dimensions(dataset: Dataset) -> bool:
    return len(dataset.shape) > 1 and any(d and "phony_dim" not in d for d in dataset.dims)


def _array(door: Door, dataset: Dataset) -> cf.Array:
    return cf.Array(
        dataset.path,
        dataset.shape,
        dataset.dtype,
        dataset.dims,
        dataset.attributes,
        partial(door.pixels, dataset),
        partial(door.numbers, dataset),
    )


def _plain(door: Door, dataset: Dataset) -> Variable:
    def open_(axes: str) -> ArrayPixels:
        return door.pixels(dataset, axes, dataset.dtype)

    return Variable(dataset.path, dataset.shape, dataset.dtype, open_)


def _is_matlab_array(dataset: Dataset) -> bool:
    word = dataset.attributes.get("MATLAB_class", "")
    empty = dataset.attributes.get("MATLAB_empty")
    plain = dataset.is_numeric and "/" not in dataset.path
    return plain and word not in ("", "char", "cell") and not empty


def _matlab(door: Door, dataset: Dataset) -> Variable:
    """MATLAB stores its arrays with the axes reversed."""

    def open_(axes: str) -> ArrayPixels:
        return door.pixels(dataset, axes[::-1], dataset.dtype)

    dtype: np.dtype[Any] = dataset.dtype
    return Variable(dataset.path, dataset.shape[::-1], dtype, open_)
