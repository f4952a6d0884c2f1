"""Reflectance spectra of soils and waters, and the tools to build others.

Spectra are float64 arrays of shape (2101,) on `WAVELENGTH_NM` (400 to 2500 nm in steps of
1 nm), unit: reflectance factor 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.sparse import csr_array

FloatArray = NDArray[np.float64]

WAVELENGTH_NM: FloatArray = np.arange(400.0, 2501.0)
"""(2101,) wavelengths of all spectra in this package, nm."""


def curve(points: Sequence[tuple[float, float]]) -> FloatArray:
    """Draw a smooth spectrum through a few points.

    Args:
        points: (wavelength nm, value) pairs in rising order; the ends are held constant.

    Returns:
        (2101,) values, monotone between the points (no overshoot).
    """
    nm, value = np.array(points, dtype=np.float64).T
    clipped = np.clip(WAVELENGTH_NM, nm[0], nm[-1])
    return np.asarray(PchipInterpolator(nm, value)(clipped), dtype=np.float64)


def band_depths(features: Sequence[tuple[float, float, float]]) -> FloatArray:
    """Multiply absorption features into one transmission-like curve.

    Args:
        features: (centre nm, width nm as standard deviation, depth 0 to 1) for each feature.

    Returns:
        (2101,) factors between 0 and 1.
    """
    factor = np.ones_like(WAVELENGTH_NM)
    for centre, width, depth in features:
        factor *= 1.0 - depth * np.exp(-0.5 * ((WAVELENGTH_NM - centre) / width) ** 2)
    return factor


_WATER_ABSORPTION_LOG10 = curve(
    [
        (nm, float(np.log10(per_m)))
        for nm, per_m in (
            (400, 0.0066), (450, 0.0092), (500, 0.0204), (550, 0.0565), (600, 0.222),
            (650, 0.340), (700, 0.624), (730, 1.9), (760, 2.6), (800, 2.0), (850, 4.3),
            (900, 6.8), (970, 45.0), (1000, 36.0), (1070, 17.0), (1150, 100.0), (1200, 125.0),
            (1270, 105.0), (1320, 200.0), (1390, 1300.0), (1450, 3000.0), (1530, 1500.0),
            (1660, 560.0), (1780, 900.0), (1860, 3000.0), (1940, 12000.0), (2050, 5200.0),
            (2200, 1900.0), (2330, 3200.0), (2500, 9500.0),
        )
    ]
)  # fmt: skip

WATER_ABSORPTION_PER_M: FloatArray = 10.0**_WATER_ABSORPTION_LOG10
"""(2101,) absorption of pure liquid water, 1/m; rounded support points after Pope and Fry
(1997) below 730 nm and Kou et al. (1993) above."""


def soil(brightness: float, moisture: float, iron: float = 0.5, clay: float = 0.5) -> FloatArray:
    """Reflectance of bare soil between dry and wet.

    The dry curve is smooth with iron-oxide features (480, 530, 870 nm), hydroxyl (1414 nm,
    2207 nm) and bound water (1914 nm). Moisture covers a share of the surface with a thin
    film of water that light crosses twice (the idea of MARMIT, Bablet et al. 2018).

    Args:
        brightness: reflectance of the dry soil near 1650 nm, 0.1 to 0.6.
        moisture: 0 (air-dry) to 1 (wet at the surface).
        iron: strength of the iron-oxide features, 0 to 1.
        clay: strength of the clay features, 0 to 1.
    """
    shape = curve(
        [(400, 0.17), (480, 0.26), (560, 0.39), (640, 0.52), (800, 0.68), (1000, 0.82),
         (1300, 0.96), (1650, 1.0), (2100, 0.97), (2300, 0.90), (2500, 0.80)]
    )  # fmt: skip
    dry = brightness * shape
    dry *= band_depths([(480, 45, 0.22 * iron), (535, 35, 0.12 * iron), (870, 90, 0.10 * iron)])
    dry *= band_depths(
        [(1414, 22, 0.06), (1914, 32, 0.12), (2207, 24, 0.10 * clay), (2345, 30, 0.04)]
    )
    film = np.exp(-2.0 * 2.5e-4 * moisture * WATER_ABSORPTION_PER_M)  # 0.25 mm at moisture 1
    darkened = dry / (1.0 + 0.95 * (1.0 - dry))  # light trapped under the film
    return (1.0 - moisture) * dry + moisture * darkened * film


def water(chlorophyll_mg_m3: float, sediment_g_m3: float, cdom_per_m: float = 0.4) -> FloatArray:
    """Reflectance of an optically deep inland water.

    R = 0.53 * 0.33 * bb / (a + bb) + 0.012 sky glint (after Gordon et al. 1975), with pure
    water, phytoplankton (peaks at 440 and 675 nm), coloured dissolved matter and sediment.

    Args:
        chlorophyll_mg_m3: phytoplankton pigment, 1 to 60 mg/m3.
        sediment_g_m3: suspended mineral matter, 0 to 60 g/m3.
        cdom_per_m: absorption of coloured dissolved matter at 440 nm, 1/m.
    """
    nm = WAVELENGTH_NM
    pigment = 0.04 * np.exp(-0.5 * ((nm - 440.0) / 45.0) ** 2)
    pigment += 0.02 * np.exp(-0.5 * ((nm - 675.0) / 14.0) ** 2)
    absorption = WATER_ABSORPTION_PER_M + chlorophyll_mg_m3**0.75 * pigment
    absorption = absorption + (cdom_per_m + 0.02 * sediment_g_m3) * np.exp(-0.014 * (nm - 440.0))
    scatter = 0.001 * (500.0 / nm) ** 4 + 0.0025 * chlorophyll_mg_m3**0.6 * (550.0 / nm)
    scatter = scatter + 0.012 * sediment_g_m3 * (550.0 / nm) ** 0.7
    return np.asarray(0.53 * 0.33 * scatter / (absorption + scatter) + 0.012)


@dataclass(frozen=True)
class SpectralTable:
    """One material as a small table of spectra over three traits, each 0 to 1.

    Attributes:
        spectra: (n1, n2, n3, 2101) or resampled (n1, n2, n3, C) reflectance at equally
            spaced trait values 0 to 1.
    """

    spectra: FloatArray

    @classmethod
    def build(
        cls, spectrum: Callable[[float, float, float], FloatArray], shape: tuple[int, int, int]
    ) -> SpectralTable:
        """Evaluate a material at every node of the table.

        Args:
            spectrum: gives (2101,) for three traits between 0 and 1.
            shape: number of nodes along each trait; 1 ignores that trait.
        """
        nodes = [np.linspace(0.0, 1.0, n) if n > 1 else np.array([0.5]) for n in shape]
        rows = [spectrum(a, b, c) for a in nodes[0] for b in nodes[1] for c in nodes[2]]
        return cls(np.stack(rows).reshape(*shape, -1))  # (n1*n2*n3, 2101) -> (n1, n2, n3, 2101)

    def weights(self, traits: NDArray[np.floating]) -> csr_array:
        """Trilinear interpolation weights, so that `weights @ flat table` gives spectra.

        Args:
            traits: (N, 3) values; clipped to 0..1.

        Returns:
            (N, n1*n2*n3) sparse matrix whose rows sum to 1.
        """
        shape = self.spectra.shape[:3]
        count = len(traits)
        lower: list[NDArray[np.int64]] = []
        share: list[FloatArray] = []
        for axis, n in enumerate(shape):
            position = np.clip(traits[:, axis].astype(np.float64), 0.0, 1.0) * (n - 1)
            low = np.minimum(position.astype(np.int64), max(n - 2, 0))
            lower.append(low)
            share.append(position - low)
        columns, values = [], []
        for corner in range(8):
            weight = np.ones(count)
            node = np.zeros(count, dtype=np.int64)
            for axis, n in enumerate(shape):
                up = (corner >> axis) & 1
                weight = weight * (share[axis] if up else 1.0 - share[axis])
                node = node * n + np.minimum(lower[axis] + up, n - 1)
            columns.append(node)
            values.append(weight)
        pointers = np.arange(0, 8 * count + 1, 8)
        flat = (np.stack(values, axis=1).ravel(), np.stack(columns, axis=1).ravel(), pointers)
        matrix = csr_array(flat, shape=(count, int(np.prod(shape))))
        matrix.sum_duplicates()
        return matrix
