"""The thermal bands that are known here, with the published constants of each.

K1 and K2: Landsat metadata (MTL files). Coefficients of the single-channel method: Landsat 8,
Jimenez-Munoz et al. 2014 (doi:10.1109/LGRS.2014.2312032); Landsat 5 and 7, Jimenez-Munoz et al.
2009 (doi:10.1109/TGRS.2008.2007125). Mono-window: Qin et al. 2001 (band 6), Wang et al. 2015
(doi:10.3390/rs70404268, band 10). They were taken over from programs that cite these papers.
"""

from __future__ import annotations

from dataclasses import dataclass

from rsviz.physics.thermal import Planck

Row = tuple[float, float, float]
Line = tuple[float, float, float]


@dataclass(frozen=True)
class Soil:
    """Emissivity of bare ground (from red reflectance), of mixed ground and of plants.

    Attributes:
        bare: (a, b) of a - b * red reflectance.
        soil, plants: emissivity of soil and of plants where both are mixed.
        full: emissivity of ground that is covered by plants.
    """

    bare: tuple[float, float]
    soil: float
    plants: float
    full: float


@dataclass(frozen=True)
class ThermalBand:
    """A thermal band of a sensor.

    Attributes:
        id: short and stable.
        title: for people.
        planck: its two constants.
        centre_nm: its centre wavelength.
        psi: of psi1, psi2, psi3 the coefficients of w^2, w and 1, with w in g/cm2.
        window: a (K) and b of the line a + b T that stands for B / (dB/dT).
        clear: (from w, offset, slope) of transmittance = offset + slope w, in cool air.
        clear_warm: the same in warm air.
        soil: of the emissivity from NDVI.
    """

    id: str
    title: str
    planck: Planck
    centre_nm: float
    psi: tuple[Row, Row, Row]
    window: tuple[float, float]
    clear: tuple[Line, ...]
    clear_warm: tuple[Line, ...]
    soil: Soil

    @property
    def b_gamma(self) -> float:
        """c2 / wavelength in K, which is K2 in the one convention used here."""
        return self.planck.k2


_SKOKOVIC = Soil((0.979, 0.046), 0.971, 0.987, 0.99)
_SOBRINO = Soil((0.979, 0.035), 0.97, 0.99, 0.99)
_QIN_COOL = ((0.0, 0.982007, -0.09611), (1.6, 1.053710, -0.14142))
_QIN_WARM = ((0.0, 0.974290, -0.08007), (1.6, 1.031412, -0.11536))

BANDS: dict[str, ThermalBand] = {
    band.id: band
    for band in (
        ThermalBand(
            "landsat-8-b10",
            "Landsat 8 band 10",
            Planck(774.8853, 1321.0789),
            10895.0,
            (
                (0.04019, 0.02916, 1.01523),
                (-0.38333, -1.50294, 0.20324),
                (0.00918, 1.36072, -0.27514),
            ),
            (-62.7182, 0.4339),
            ((0.0, 0.9184, -0.0725), (1.6, 1.0163, -0.1330), (4.4, 0.7029, -0.0620)),
            ((0.0, 0.9220, -0.0780), (2.0, 1.0222, -0.1310), (5.6, 0.5422, -0.0440)),
            _SKOKOVIC,
        ),
        ThermalBand(
            "landsat-7-b6",
            "Landsat 7 band 6",
            Planck(666.09, 1282.71),
            11335.0,
            (
                (0.07593, -0.07132, 1.08565),
                (-0.61438, -0.70916, -0.19379),
                (-0.02892, 1.46051, -0.43199),
            ),
            (-67.355351, 0.458606),
            _QIN_COOL,
            _QIN_WARM,
            _SOBRINO,
        ),
        ThermalBand(
            "landsat-5-b6",
            "Landsat 5 band 6",
            Planck(607.76, 1260.56),
            11450.0,
            (
                (0.08735, -0.09553, 1.10188),
                (-0.69188, -0.58185, -0.29887),
                (-0.03724, 1.53065, -0.45476),
            ),
            (-67.355351, 0.458606),
            _QIN_COOL,
            _QIN_WARM,
            _SOBRINO,
        ),
    )
}
"""Bands by id, in the order of `atmospheres.npz`."""

NEAREST_NM = 60.0
"""How far a band's centre may lie from that of a known one; Landsat 9 counts as 8."""


def band_at(centre_nm: float) -> ThermalBand | None:
    """The known thermal band with that centre; None when there is none."""
    nearest = min(BANDS.values(), key=lambda band: abs(band.centre_nm - centre_nm))
    return nearest if abs(nearest.centre_nm - centre_nm) <= NEAREST_NM else None
