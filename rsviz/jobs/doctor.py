"""What this machine is, how it protects itself, and what is weak: asked of real readers.

A server for others (profiles `class` and `public`) starts only when nothing is weak.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from rsviz.core.errors import RsvizError
from rsviz.core.run import versions
from rsviz.io import profiles
from rsviz.io.paths import cache_folder
from rsviz.io.probes import SOUND
from rsviz.io.profiles import Profile
from rsviz.jobs.jail import landlock_version
from rsviz.jobs.process import ROOT, cores
from rsviz.jobs.readers import Readers

PACKAGES = ("streamlit", "rasterio", "h5py", "scipy", "pyproj", "safetensors", "pillow")
LIBRARIES = """
import json, pathlib, sys, h5py, rasterio
from rsviz.io.doors import READERS
from rsviz.io.probes import write_probes
from rsviz.io.raster import DRIVERS
probes = {what: str(path) for what, path in write_probes(pathlib.Path(sys.argv[1])).items()}
print(json.dumps({"gdal": rasterio.__gdal_version__, "hdf5": h5py.version.hdf5_version,
                  "drivers": DRIVERS, "readers": sorted(READERS), "probes": probes}))
"""
SETTINGS = """
import json, os, sys
from streamlit.config import get_config_options
def value(option):
    text = os.environ.get(option.env_var)  # `streamlit run` reads these alone
    if text is None:
        return option.value
    if isinstance(option.value, bool):
        return text.lower() in ("1", "true", "t", "yes", "y", "on")
    return int(text) if isinstance(option.value, int) else text
options = get_config_options()
print(json.dumps({name: value(options[name]) for name in sys.argv[1:]}))
"""
SECONDS = 60
WANTED: Mapping[str, Any] = {
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "client.showErrorDetails": "none",
}
"""Settings of Streamlit that a server for others must have."""

ASKED = (*WANTED, "server.maxUploadSize", "server.allowedHosts")
"""All settings that are looked at."""


@dataclass(frozen=True)
class Checkup:
    """What was found.

    Attributes:
        profile: of this process.
        versions: by package or library.
        drivers: GDAL's driver of each reader that uses GDAL, and the other readers.
        protection: how a reader is locked, in words.
        probes: what each probe would do, and the sentence that refused it; "" when it got through.
        weak: one sentence for everything that should be mended.
    """

    profile: Profile
    versions: dict[str, str]
    drivers: dict[str, str]
    protection: str
    probes: dict[str, str]
    weak: tuple[str, ...]


@dataclass(frozen=True)
class Libraries:
    """The file libraries, and where the probes lie that they wrote."""

    gdal: str
    hdf5: str
    drivers: dict[str, str]
    readers: list[str]
    probes: dict[str, str]


def examine(settings: Mapping[str, Any] | None = None) -> Checkup:
    """Look at this machine.

    Args:
        settings: of Streamlit, by full name, where the app runs; None where it does not.
    """
    profile = profiles.current()
    libraries, protection, probes = _asked()
    known = versions() | {name: metadata.version(name) for name in PACKAGES}
    weak = [f"{what} was opened" for what, told in probes.items() if not told]
    weak += [*_unprotected(protection), *_settings(profile, settings or {}), *_disks()]
    return Checkup(
        profile,
        known | {"GDAL": libraries.gdal, "HDF5": libraries.hdf5},
        {
            reader: libraries.drivers.get(reader, "our own")
            for reader in libraries.readers
            if reader not in profile.refused_readers
        },
        protection,
        probes,
        tuple(weak),
    )


def _asked() -> tuple[Libraries, str, dict[str, str]]:
    """Libraries, how readers are locked, and what they say to files that must be refused.

    The probes are written by a process of their own: this one has no file libraries.
    """
    readers = Readers(max_live=2)
    root = profiles.uploads_root()
    with tempfile.TemporaryDirectory(prefix="rsviz-upload-probes", dir=root) as folder:
        libraries = Libraries(**json.loads(_python(LIBRARIES, folder)))
        try:
            told = {what: _refusal(readers, path) for what, path in libraries.probes.items()}
            readers.open(str(Path(folder) / SOUND))
            protection = str(readers.diagnostics()["jail"])
        finally:
            readers.close()
    return libraries, protection, told


def settings_here() -> dict[str, Any]:
    """Streamlit's settings as a server would find them, asked of a process that may import it."""
    known: dict[str, Any] = json.loads(_python(SETTINGS, *ASKED))
    return known


def refuse_weak(settings: Mapping[str, Any]) -> None:
    """Make sure that a server for others is sound; a local one may be weak.

    Raises:
        RsvizError: something is weak.
    """
    profile = profiles.current()
    if not profile.checked:
        return
    weak = examine(settings).weak
    if weak:
        raise RsvizError(
            f"The profile '{profile.name}' is refused: {'; '.join(weak)}.",
            "Mend it, or run with RSVIZ_PROFILE=local on 127.0.0.1. See: python -m rsviz doctor",
        )


def _refusal(readers: Readers, path: str) -> str:
    """The sentence with which a file is refused; "" when it is opened and read."""
    try:
        readers.open(path).composite((0,), max_side=64)
    except RsvizError as error:
        return error.message.replace(str(Path(path).parent), "…")
    return ""


def _unprotected(protection: str) -> list[str]:
    found = []
    if "Landlock" not in protection or "limits only" in protection:
        found.append("readers are not locked on their files (no Landlock; Linux 5.13 has it)")
    if "no network" not in protection and "no TCP" not in protection:
        found.append("readers can reach the network")
    return found


def _settings(profile: Profile, settings: Mapping[str, Any]) -> list[str]:
    """Settings of Streamlit that are weaker than they should be."""
    found = [
        f"{name} is {settings[name]!r}, {wanted!r} is expected"
        for name, wanted in WANTED.items()
        if name in settings and settings[name] != wanted
    ]
    most = settings.get("server.maxUploadSize", 0) * 2**20
    if most > max(p.upload_bytes for p in profiles.PROFILES.values()):
        found.append(f"server.maxUploadSize is {settings['server.maxUploadSize']} MB")
    if profile.name == "public" and settings and not settings.get("server.allowedHosts"):
        found.append("server.allowedHosts is empty: name the host of the public address")
    return found


def _disks() -> list[str]:
    """Disks that are nearly full."""
    found = []
    for what, folder in (("uploads", profiles.uploads_root()), ("results", cache_folder())):
        here = next(p for p in (folder, *folder.parents) if p.exists())
        usage = shutil.disk_usage(here)
        if usage.free < 0.02 * usage.total:
            found.append(f"the disk of {what} is nearly full")
    return found


def _python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    return done.stdout


def machine() -> str:
    """Cores and Landlock, in words."""
    landlock = landlock_version()
    return f"{cores()} cores, {f'Landlock {landlock}' if landlock else 'no Landlock'}"
