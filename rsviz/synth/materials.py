"""Reflectance of man-made surfaces and dead plant matter.

The curves are drawn by hand after the shapes described for the ECOSTRESS library (Meerdink
et al. 2019) and for urban surfaces by Heiden et al. (2007): level, slope and the known
absorption features. None is a measured spectrum. Each function takes up to three traits
between 0 and 1 and returns (2101,) reflectance on `spectra.WAVELENGTH_NM`.
"""

from __future__ import annotations

from rsviz.synth.spectra import FloatArray, band_depths, curve, soil

_HYDROCARBON = ((1190, 18, 0.03), (1725, 22, 0.07), (2310, 25, 0.10), (2350, 20, 0.06))
_CARBONATE = ((2340, 28, 0.13), (2160, 30, 0.03))
_CELLULOSE = ((1200, 30, 0.04), (1480, 70, 0.14), (1730, 30, 0.06), (1930, 50, 0.22),
              (2100, 45, 0.15), (2280, 30, 0.08), (2340, 25, 0.10))  # fmt: skip
_LICHEN = curve([(400, 0.07), (550, 0.12), (670, 0.10), (750, 0.20), (1200, 0.28), (2500, 0.15)])


def straw(cover: float, age: float, moisture: float) -> FloatArray:
    """Stubble: standing and lying straw over soil.

    Args:
        cover: share of the ground under straw, 0 (a third) to 1 (nearly all).
        age: 0 (fresh, golden) to 1 (weathered, grey).
        moisture: wets soil and straw.
    """
    fresh = curve([(400, 0.09), (500, 0.17), (600, 0.27), (700, 0.35), (900, 0.46),
                   (1300, 0.54), (1650, 0.50), (2200, 0.40), (2500, 0.28)])  # fmt: skip
    old = curve([(400, 0.12), (500, 0.17), (600, 0.22), (700, 0.27), (900, 0.34),
                 (1300, 0.43), (1650, 0.42), (2200, 0.34), (2500, 0.25)])  # fmt: skip
    residue = ((1.0 - age) * fresh + age * old) * band_depths(_CELLULOSE) * (1.0 - 0.2 * moisture)
    share = 0.35 + 0.5 * cover
    return share * residue + (1.0 - share) * soil(0.34, 0.15 + 0.6 * moisture)


def gravel(brightness: float, soiling: float, moisture: float) -> FloatArray:
    """Crushed limestone, as on farm tracks and yards.

    Args:
        brightness: 0 (dark basaltic) to 1 (bright limestone).
        soiling: share of earth between the stones.
        moisture: darkens.
    """
    stone = (0.5 + 0.45 * brightness) * curve(
        [(400, 0.20), (500, 0.27), (600, 0.31), (800, 0.35), (1200, 0.38), (1700, 0.40),
         (2200, 0.38), (2500, 0.33)]
    ) * band_depths(_CARBONATE)  # fmt: skip
    share = 0.15 + 0.6 * soiling
    return ((1.0 - share) * stone + share * soil(0.38, 0.3)) * (1.0 - 0.25 * moisture)


def clay_tile(brightness: float, weathering: float, lichen: float) -> FloatArray:
    """Fired red clay roof tiles: iron oxide, no water.

    Args:
        brightness: 0 to 1.
        weathering: dulls the red.
        lichen: adds a grey-green film.
    """
    new = curve([(400, 0.045), (500, 0.065), (560, 0.10), (600, 0.20), (680, 0.28), (760, 0.31),
                 (870, 0.30), (1000, 0.34), (1300, 0.42), (1700, 0.46), (2200, 0.45),
                 (2500, 0.41)])  # fmt: skip
    dull = curve([(400, 0.06), (500, 0.08), (600, 0.13), (700, 0.17), (900, 0.20), (1300, 0.26),
                  (1700, 0.29), (2200, 0.28), (2500, 0.25)])  # fmt: skip
    mixed = (1.0 - 0.8 * weathering) * new + 0.8 * weathering * dull
    return (0.75 + 0.5 * brightness) * ((1.0 - 0.3 * lichen) * mixed + 0.3 * lichen * _LICHEN)


def dark_tile(brightness: float, weathering: float, lichen: float) -> FloatArray:
    """Grey or brown concrete tiles and slate.

    Args:
        brightness: 0 to 1.
        weathering: 0 (blue-grey slate) to 1 (brownish concrete tile).
        lichen: adds a grey-green film.
    """
    slate = curve([(400, 0.075), (600, 0.085), (1000, 0.095), (1700, 0.12), (2250, 0.13),
                   (2500, 0.11)]) * band_depths([(2250, 30, 0.08), (2340, 25, 0.06)])  # fmt: skip
    brown = curve([(400, 0.06), (500, 0.075), (600, 0.105), (800, 0.13), (1300, 0.16),
                   (1700, 0.18), (2200, 0.18), (2500, 0.15)]) * band_depths(_CARBONATE)  # fmt: skip
    mixed = (1.0 - weathering) * slate + weathering * brown
    return (0.7 + 0.6 * brightness) * ((1.0 - 0.3 * lichen) * mixed + 0.3 * lichen * _LICHEN)


def bitumen(brightness: float, grit: float, soiling: float) -> FloatArray:
    """Bitumen sheets on flat roofs.

    Args:
        brightness: 0 to 1.
        grit: share of mineral chippings.
        soiling: dust and moss.
    """
    sheet = curve([(400, 0.05), (700, 0.06), (1200, 0.075), (1700, 0.09), (2500, 0.085)])
    sheet = sheet * band_depths(_HYDROCARBON)
    chips = curve([(400, 0.11), (600, 0.15), (1000, 0.18), (1700, 0.21), (2500, 0.18)])
    dust = soil(0.3, 0.2)
    mixed = (1.0 - 0.7 * grit) * sheet + 0.7 * grit * chips
    return (0.75 + 0.5 * brightness) * ((1.0 - 0.15 * soiling) * mixed + 0.15 * soiling * dust)


def metal_sheet(brightness: float, coating: float, soiling: float) -> FloatArray:
    """Coated steel and zinc roofs.

    Args:
        brightness: 0 to 1.
        coating: 0 (bare zinc) to 1 (grey-white paint).
        soiling: dust.
    """
    zinc = curve([(400, 0.24), (600, 0.26), (900, 0.25), (1020, 0.22), (1300, 0.30), (1700, 0.34),
                  (2500, 0.36)])  # fmt: skip
    paint = curve([(400, 0.10), (430, 0.34), (600, 0.46), (900, 0.47), (1300, 0.45), (1700, 0.38),
                   (2200, 0.28), (2500, 0.20)]) * band_depths(_HYDROCARBON)  # fmt: skip
    mixed = (1.0 - coating) * zinc + coating * paint
    return (0.7 + 0.6 * brightness) * (
        (1.0 - 0.2 * soiling) * mixed + 0.2 * soiling * soil(0.3, 0.2)
    )


def solar_panel(brightness: float, framing: float, soiling: float) -> FloatArray:
    """Silicon modules: dark and bluish up to the band gap near 1100 nm, brighter beyond.

    Args:
        brightness: 0 to 1.
        framing: share of metal frames and gaps.
        soiling: dust.
    """
    cell = curve([(400, 0.055), (470, 0.05), (600, 0.032), (900, 0.035), (1000, 0.055),
                  (1100, 0.12), (1200, 0.20), (1600, 0.22), (2100, 0.14),
                  (2500, 0.08)])  # fmt: skip
    cell = cell * band_depths([(1730, 25, 0.14), (2310, 30, 0.12)])  # the plastic that embeds them
    rest = (1.0 - 0.16 * framing) * cell + 0.16 * framing * metal_sheet(0.5, 0.3, 0.3)
    return (0.8 + 0.4 * brightness) * (
        (1.0 - 0.12 * soiling) * rest + 0.12 * soiling * soil(0.3, 0.1)
    )


def asphalt(brightness: float, age: float, soiling: float) -> FloatArray:
    """Road asphalt: hydrocarbons when new, the stones when worn.

    Args:
        brightness: 0 to 1.
        age: 0 (new, black) to 1 (worn, grey).
        soiling: dust.
    """
    new = curve([(400, 0.045), (600, 0.055), (1000, 0.07), (1700, 0.095), (2500, 0.085)])
    new = new * band_depths(_HYDROCARBON)
    worn = curve([(400, 0.09), (500, 0.115), (600, 0.135), (900, 0.165), (1300, 0.19), (1700, 0.21),
                  (2200, 0.20), (2500, 0.17)]) * band_depths(_CARBONATE)  # fmt: skip
    mixed = (1.0 - age) * new + age * worn
    return (0.8 + 0.4 * brightness) * (
        (1.0 - 0.12 * soiling) * mixed + 0.12 * soiling * soil(0.34, 0.2)
    )


def concrete(brightness: float, age: float, moisture: float) -> FloatArray:
    """Cast concrete and slabs.

    Args:
        brightness: 0 to 1.
        age: greys with age.
        moisture: darkens.
    """
    shape = curve([(400, 0.17), (500, 0.235), (600, 0.28), (800, 0.31), (1200, 0.34), (1700, 0.36),
                   (2200, 0.33), (2500, 0.27)])  # fmt: skip
    shape = shape * band_depths([*_CARBONATE, (1414, 18, 0.04), (1930, 45, 0.12), (2210, 30, 0.03)])
    return (0.75 + 0.5 * brightness) * (1.0 - 0.3 * age) * shape * (1.0 - 0.25 * moisture)


def paving(brightness: float, redness: float, weeds: float) -> FloatArray:
    """Small paving stones with earth and weeds in the joints.

    Args:
        brightness: 0 to 1.
        redness: share of red clinker.
        weeds: green in the joints.
    """
    grey = concrete(brightness, 0.5, 0.2)
    joints = 0.5 * soil(0.3, 0.3) + 0.5 * curve(
        [(400, 0.03), (550, 0.08), (670, 0.04), (740, 0.30), (1300, 0.32), (1450, 0.14),
         (1650, 0.24), (1940, 0.08), (2200, 0.14), (2500, 0.06)]
    )  # fmt: skip
    stones = (1.0 - 0.35 * redness) * grey + 0.35 * redness * clay_tile(brightness, 0.6, 0.0)
    share = 0.08 + 0.16 * weeds
    return (1.0 - share) * stones + share * joints


def artificial_turf(brightness: float, infill: float, wear: float) -> FloatArray:
    """Green plastic fibres: green to the eye, but without the red edge of a leaf.

    Args:
        brightness: 0 to 1.
        infill: share of dark rubber crumb.
        wear: pales the fibres.
    """
    fibre = curve([(400, 0.03), (480, 0.04), (530, 0.10), (580, 0.065), (650, 0.04), (720, 0.06),
                   (800, 0.22), (900, 0.34), (1100, 0.40), (1600, 0.36), (2000, 0.28),
                   (2500, 0.16)])  # fmt: skip
    fibre = fibre * band_depths(_HYDROCARBON) ** 2
    crumb = curve([(400, 0.04), (1000, 0.05), (2500, 0.06)])
    share = 0.15 + 0.35 * infill
    return (0.8 + 0.4 * brightness) * ((1.0 - share) * fibre + share * crumb) + 0.02 * wear


def running_track(brightness: float, wear: float, soiling: float) -> FloatArray:
    """Red polyurethane (tartan).

    Args:
        brightness: 0 to 1.
        wear: greys the red.
        soiling: dust.
    """
    fresh = curve([(400, 0.045), (500, 0.05), (570, 0.09), (620, 0.23), (700, 0.31), (850, 0.30),
                   (1100, 0.40), (1300, 0.42), (1600, 0.38), (2000, 0.28),
                   (2500, 0.16)])  # fmt: skip
    fresh = fresh * band_depths(_HYDROCARBON)
    worn = (1.0 - 0.35 * wear) * fresh + 0.35 * wear * 0.12
    return (0.8 + 0.4 * brightness) * (
        (1.0 - 0.15 * soiling) * worn + 0.15 * soiling * soil(0.3, 0.2)
    )
