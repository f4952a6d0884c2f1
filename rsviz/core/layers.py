"""What a model hands out: small frozen objects that carry their own grid, units and labels.

Pages choose a view from `layer.kind`, never from the class. Raster layers carry their own
grid, so that a x4 image and a class map overlay rightly. Undefined pixels of float rasters
are NaN; `ignore` marks them in class maps.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import ModelFailed
from rsviz.core.grid import Grid
from rsviz.core.scene import Band, frozen_array

Floats = NDArray[np.float32]
Ints = NDArray[np.int16]


def _check(condition: bool, kind: str, message: str) -> None:
    if not condition:
        raise ModelFailed(f"{kind}: {message}")


def _sums_to_one(data: Floats, axis: int = 0) -> bool:
    total = data.sum(axis=axis, dtype=np.float64)
    defined = np.isfinite(total)
    return bool(np.all(np.abs(total[defined] - 1.0) < 1e-3) and np.nanmin(data, initial=0) >= -1e-6)


@dataclass(frozen=True)
class Layer:
    """Base of all layers: a title for people and one sentence on how to read it."""

    kind: ClassVar[str] = ""
    title: str
    about: str


@dataclass(frozen=True)
class RasterLayer(Layer):
    """Base of layers drawn on the map."""

    grid: Grid

    def _raster(self, name: str, dtype: type[np.generic], ndim: int) -> NDArray[np.generic]:
        data = frozen_array(getattr(self, name), dtype)
        shape = "(H, W)" if ndim == 2 else "(N, H, W)"
        _check(data.ndim == ndim, self.kind, f"shape {data.shape}; {shape} is expected.")
        _check(
            data.shape[-2:] == self.grid.shape,
            self.kind,
            f"{data.shape[-2:]} pixels on a grid of {self.grid.shape}.",
        )
        if data.dtype.kind == "f":
            _check(not np.isinf(data).any(), self.kind, "infinite values.")
        object.__setattr__(self, name, data)
        return data


@dataclass(frozen=True)
class ClassMap(RasterLayer):
    """One class a pixel: data (H, W) int16 of indices into labels, `ignore` where there is none."""

    kind: ClassVar[str] = "class_map"
    data: Ints
    labels: tuple[str, ...]
    colours: tuple[str, ...] = ()
    ignore: int = -1

    def __post_init__(self) -> None:
        data = self._raster("data", np.int16, 2)
        used = data[data != self.ignore]
        if used.size:
            low, high = int(used.min()), int(used.max())
            _check(
                low >= 0 and high < len(self.labels),
                self.kind,
                f"classes {low}..{high} with {len(self.labels)} labels.",
            )


@dataclass(frozen=True)
class ProbabilityMap(RasterLayer):
    """Class probabilities: data (K, H, W) that sum to 1 where defined, NaN elsewhere."""

    kind: ClassVar[str] = "probability_map"
    data: Floats
    labels: tuple[str, ...]
    colours: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        data = self._raster("data", np.float32, 3)
        _check(data.shape[0] == len(self.labels), self.kind, "labels and planes differ in number.")
        _check(_sums_to_one(self.data), self.kind, "probabilities do not sum to 1.")


@dataclass(frozen=True)
class UncertaintyMap(RasterLayer):
    """How unsure the model is: data (H, W) >= 0, NaN where undefined.

    Attributes:
        measure: entropy, margin, std, 1 - max p, ...
        unit: e.g. nat.
        limits: fixed range for colours, e.g. (0, ln K); None for the range of the data.
    """

    kind: ClassVar[str] = "uncertainty_map"
    data: Floats
    measure: str
    unit: str
    limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        data = self._raster("data", np.float32, 2)
        _check(bool(np.nanmin(data, initial=0) >= 0), self.kind, "negative uncertainty.")


@dataclass(frozen=True)
class ScalarMap(RasterLayer):
    """Any quantity a pixel: data (H, W), NaN where undefined; diverging means signed around 0."""

    kind: ClassVar[str] = "scalar_map"
    data: Floats
    quantity: str
    unit: str
    diverging: bool = False
    limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        self._raster("data", np.float32, 2)


@dataclass(frozen=True)
class RoutingMap(RasterLayer):
    """Share of each expert: data (E, H, W) that sums to 1 where defined, NaN elsewhere.

    Attributes:
        experts: names of the E experts.
        stage: where in the network.
        role: "routing" when these weights were applied to the pixel, "affinity" when the
            decision was taken for the whole scene and this only shows what each pixel votes for,
            "contribution" when they are shares of the output's magnitude.
    """

    kind: ClassVar[str] = "routing_map"
    data: Floats
    experts: tuple[str, ...]
    stage: str
    role: str

    def __post_init__(self) -> None:
        data = self._raster("data", np.float32, 3)
        _check(data.shape[0] == len(self.experts), self.kind, "experts and planes differ.")
        _check(
            self.role in ("routing", "affinity", "contribution"), self.kind, f"role '{self.role}'."
        )
        _check(_sums_to_one(self.data), self.kind, "expert shares do not sum to 1.")


@dataclass(frozen=True)
class SRImage(RasterLayer):
    """A super-resolved image: data (C, H, W) in the unit of the scene, scale times finer."""

    kind: ClassVar[str] = "sr_image"
    data: Floats
    bands: tuple[Band, ...]
    scale: int
    reference: Floats | None = None

    def __post_init__(self) -> None:
        data = self._raster("data", np.float32, 3)
        _check(data.shape[0] == len(self.bands), self.kind, "bands and planes differ in number.")
        if self.reference is not None:
            reference = self._raster("reference", np.float32, 3)
            _check(reference.shape == data.shape, self.kind, "the reference has another shape.")


@dataclass(frozen=True)
class SpikeTrace(Layer):
    """Firing rates: data (layer, step) in 0..1, with the threshold of each layer."""

    kind: ClassVar[str] = "spike_trace"
    data: Floats
    layers: tuple[str, ...]
    threshold: tuple[float, ...]

    def __post_init__(self) -> None:
        data = frozen_array(self.data, np.float32)
        _check(data.ndim == 2 and len(self.layers) == data.shape[0], self.kind, "shape mismatch.")
        _check(len(self.threshold) == data.shape[0], self.kind, "one threshold a layer is needed.")
        _check(bool(((data >= 0) & (data <= 1)).all()), self.kind, "rates outside 0..1.")
        object.__setattr__(self, "data", data)


@dataclass(frozen=True)
class TimeSeries(Layer):
    """Series over dates: data (S, T) with names of the S series; NaN where masked."""

    kind: ClassVar[str] = "time_series"
    data: Floats
    dates: tuple[str, ...]
    names: tuple[str, ...]
    unit: str

    def __post_init__(self) -> None:
        data = frozen_array(self.data, np.float32)
        _check(data.shape == (len(self.names), len(self.dates)), self.kind, "shape mismatch.")
        object.__setattr__(self, "data", data)


@dataclass(frozen=True)
class Curve(Layer):
    """Named curves over one axis: x (N,), data (S, N)."""

    kind: ClassVar[str] = "curve"
    x: Floats
    data: Floats
    names: tuple[str, ...]
    x_label: str
    y_label: str

    def __post_init__(self) -> None:
        x, data = frozen_array(self.x, np.float32), frozen_array(self.data, np.float32)
        _check(data.shape == (len(self.names), x.size), self.kind, "shape mismatch.")
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "data", data)


@dataclass(frozen=True)
class Table(Layer):
    """Rows of text and numbers under column headings that carry their units."""

    kind: ClassVar[str] = "table"
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]

    def __post_init__(self) -> None:
        _check(all(len(r) == len(self.columns) for r in self.rows), self.kind, "ragged rows.")


@dataclass(frozen=True)
class Tokens(Layer):
    """A small array from inside a network, with the meaning of each axis.

    Attributes:
        data: any shape, float32.
        axes: one name for each axis, e.g. ("stage", "expert").
        ticks: for each axis the names of its positions, or an empty tuple.
    """

    kind: ClassVar[str] = "tokens"
    data: Floats
    axes: tuple[str, ...]
    ticks: tuple[tuple[str, ...], ...] = ()
    unit: str = ""

    def __post_init__(self) -> None:
        data = frozen_array(self.data, np.float32)
        _check(data.ndim == len(self.axes), self.kind, f"{data.ndim} axes, {len(self.axes)} names.")
        for size, names in zip(data.shape, self.ticks, strict=False):
            _check(not names or len(names) == size, self.kind, "tick names do not fit the axis.")
        object.__setattr__(self, "data", data)


LAYERS: dict[str, type[Layer]] = {
    cls.kind: cls
    for cls in (
        ClassMap,
        ProbabilityMap,
        UncertaintyMap,
        ScalarMap,
        RoutingMap,
        SRImage,
        SpikeTrace,
        TimeSeries,
        Curve,
        Table,
        Tokens,
    )
}
"""Every kind of layer. A new kind also needs a drawer, a writer and a test."""


def pixel_values(layer: RasterLayer, row: int, col: int) -> NDArray[np.generic]:
    """The values of a raster layer at one pixel of its own grid: a scalar or one a plane."""
    data: NDArray[np.generic] = getattr(layer, "data")  # noqa: B009  (declared by subclasses)
    return data[..., row, col]


def arrays_of(layer: Layer) -> dict[str, NDArray[np.generic]]:
    """All arrays of a layer by field name."""
    found = {f.name: getattr(layer, f.name) for f in fields(layer)}
    return {name: value for name, value in found.items() if isinstance(value, np.ndarray)}
