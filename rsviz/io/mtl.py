"""The metadata file of a Landsat scene (..._MTL.txt): what stored numbers mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rsviz.core.errors import UnreadableScene
from rsviz.core.scene import Band
from rsviz.io.paths import printable, shown
from rsviz.physics.thermal import Planck
from rsviz.physics.thermal_bands import BANDS

LARGEST = 1 << 20
STARTS = (b"GROUP = L1_METADATA_FILE", b"GROUP = LANDSAT_METADATA_FILE")


@dataclass(frozen=True)
class Stored:
    """A band of a sensor as Landsat names it.

    Attributes:
        number: as in the names of files and keys.
        band: name, centre and width.
        sun: mean solar irradiance outside the atmosphere, W m-2 um-1 (Chander et al. 2009), for
            scenes whose metadata give radiances only; 0 for thermal bands.
    """

    number: str
    band: Band
    sun: float = 0.0

    @property
    def thermal(self) -> bool:
        """Whether it measures heat, not reflected light."""
        return (self.band.wavelength_nm or 0) > 5000


_OLI = (
    ("2", "blue", 482.0, 60.0),
    ("3", "green", 561.5, 57.0),
    ("4", "red", 654.5, 37.0),
    ("5", "near infrared", 865.0, 28.0),
    ("6", "shortwave infrared 1", 1608.5, 85.0),
    ("7", "shortwave infrared 2", 2200.5, 187.0),
    ("10", "thermal", 10895.0, 590.0),
    ("11", "thermal 2", 12005.0, 1010.0),
)
_TM_SUN = (1983.0, 1796.0, 1536.0, 1031.0, 220.0, 83.44)
_ETM_SUN = (1997.0, 1812.0, 1533.0, 1039.0, 230.8, 84.90)


def _older(sun: tuple[float, ...], heat: tuple[str, float, float]) -> tuple[Stored, ...]:
    """Bands of TM and ETM+, which differ little."""
    light = (
        ("1", "blue", 485.0, 70.0),
        ("2", "green", 560.0, 80.0),
        ("3", "red", 660.0, 60.0),
        ("4", "near infrared", 835.0, 130.0),
        ("5", "shortwave infrared 1", 1650.0, 200.0),
        ("7", "shortwave infrared 2", 2215.0, 270.0),
    )
    found = [
        Stored(n, Band(name, nm, w), s) for (n, name, nm, w), s in zip(light, sun, strict=True)
    ]
    return (*found, Stored(heat[0], Band("thermal", heat[1], heat[2])))


SENSORS: dict[str, tuple[Stored, ...]] = {
    "LANDSAT_9": tuple(Stored(n, Band(name, nm, w)) for n, name, nm, w in _OLI),
    "LANDSAT_8": tuple(Stored(n, Band(name, nm, w)) for n, name, nm, w in _OLI),
    "LANDSAT_7": _older(_ETM_SUN, ("6_VCID_1", 11335.0, 1030.0)),
    "LANDSAT_5": _older(_TM_SUN, ("6", 11450.0, 2100.0)),
}
"""Bands of 30 m by spacecraft; the panchromatic, aerosol and cirrus bands are left out."""
PUBLISHED = {"LANDSAT_7": BANDS["landsat-7-b6"], "LANDSAT_5": BANDS["landsat-5-b6"]}
"""Whose thermal constants may be missing: older metadata files did not hold them."""


@dataclass(frozen=True)
class Meaning:
    """How one band becomes reflectance (times stored, plus) or brightness temperature."""

    times: float
    plus: float
    planck: Planck | None = None


@dataclass(frozen=True)
class Metadata:
    """What a metadata file says.

    Attributes:
        name: of the file.
        spacecraft: e.g. LANDSAT_8.
        scene: the name of the scene, with which names of its bands start.
        values: all its values by key.
    """

    name: str
    spacecraft: str
    scene: str
    values: dict[str, str]

    @property
    def bands(self) -> tuple[Stored, ...]:
        """The bands that its spacecraft has."""
        return SENSORS[self.spacecraft]

    @property
    def day(self) -> str:
        """When the scene was taken, ISO; empty when it is not said."""
        found = self.values.get("DATE_ACQUIRED", "")
        try:
            return date.fromisoformat(found).isoformat()
        except ValueError:
            return ""

    def meaning(self, stored: Stored) -> tuple[Meaning, str]:
        """How a band becomes reflectance at the top of the atmosphere, or brightness temperature.

        Returns:
            The meaning, and a sentence on what had to be taken from elsewhere.

        Raises:
            UnreadableScene: a number is missing.
        """
        n = stored.number
        if stored.thermal:
            k1, k2 = self._maybe(f"K1_CONSTANT_BAND_{n}"), self._maybe(f"K2_CONSTANT_BAND_{n}")
            told = ""
            if k1 is None or k2 is None:
                if self.spacecraft not in PUBLISHED:
                    raise UnreadableScene(
                        f"{self.name} gives no K1_CONSTANT_BAND_{n} and K2_CONSTANT_BAND_{n}; "
                        "without them radiance does not become temperature.",
                        "Fetch the metadata file again; those of Landsat 8 and 9 hold both.",
                    )
                known = PUBLISHED[self.spacecraft].planck
                k1, k2 = known.k1, known.k2
                told = (
                    f"{self.name} gives no K1 and K2; the published {k1:g} and {k2:g} K are used."
                )
            radiance = self.number(f"RADIANCE_MULT_BAND_{n}"), self.number(f"RADIANCE_ADD_BAND_{n}")
            return Meaning(*radiance, Planck(k1, k2)), told
        height = math.sin(math.radians(self.number("SUN_ELEVATION")))
        if height <= 0:
            raise UnreadableScene(
                f"{self.name}: the sun is below the horizon; reflectance needs sunlight."
            )
        times = self._maybe(f"REFLECTANCE_MULT_BAND_{n}")
        plus = self._maybe(f"REFLECTANCE_ADD_BAND_{n}")
        if times is not None and plus is not None:
            return Meaning(times / height, plus / height), ""
        if not stored.sun:
            raise UnreadableScene(f"{self.name} gives no REFLECTANCE_MULT_BAND_{n}.")
        factor = math.pi * self._sun_distance() ** 2 / (stored.sun * height)
        times = self.number(f"RADIANCE_MULT_BAND_{n}")
        plus = self.number(f"RADIANCE_ADD_BAND_{n}")
        return Meaning(times * factor, plus * factor), ""

    def number(self, key: str) -> float:
        """A number that must be there.

        Raises:
            UnreadableScene: it is not.
        """
        found = self._maybe(key)
        if found is None:
            raise UnreadableScene(
                f"{self.name} gives no {key}; a complete Landsat metadata file is expected.",
                "Fetch the metadata file again.",
            )
        return found

    def _maybe(self, key: str) -> float | None:
        try:
            found = float(self.values[key])
        except (KeyError, ValueError):
            return None
        return found if math.isfinite(found) else None

    def _sun_distance(self) -> float:
        """From earth to sun in astronomical units."""
        given = self._maybe("EARTH_SUN_DISTANCE")
        if given is not None:
            return given
        day = date.fromisoformat(self.day).timetuple().tm_yday if self.day else 4
        return 1 - 0.01672 * math.cos(math.radians(0.9856 * (day - 4)))


def read_metadata(path: Path) -> Metadata:
    """Read a metadata file; some end in thousands of NUL characters, which are left out.

    Raises:
        UnreadableScene: it is none, or of a spacecraft that is not known here.
    """
    name = shown(path.name)
    with path.open("rb") as file:
        content = file.read(LARGEST)
    if not content.lstrip().startswith(STARTS):
        raise UnreadableScene(f"'{name}' is no Landsat metadata file.")
    values = {}
    for line in content.replace(b"\0", b"").decode("utf-8", "replace").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            values[key.strip()] = printable(value.strip().strip('"'))
    craft = values.get("SPACECRAFT_ID", "").upper().replace("LANDSAT-", "LANDSAT_")
    if craft not in SENSORS:
        raise UnreadableScene(
            f"'{name}' tells of the spacecraft '{shown(craft) or 'none'}'; Landsat 5, 7, 8 and 9 "
            "are known here."
        )
    bands = [values[k] for k in sorted(values) if k.startswith("FILE_NAME_BAND_")]
    scene = bands[0].rpartition("_B")[0] if bands else values.get("LANDSAT_SCENE_ID", "")
    if "VCID" in scene:
        scene = scene.rpartition("_B")[0]
    return Metadata(name, craft, scene or path.stem.removesuffix("_MTL"), values)
