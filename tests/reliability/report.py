"""RELIABILITY.md: every proof with its figures, and the command that repeats it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import h5py
import rasterio
import threats
from proof import ROOT, Proof, saved

from rsviz.jobs import jail

STORY = Path(__file__).with_name("FOUND.md")
PAGE = ROOT / "RELIABILITY.md"


def line(proof: Proof) -> str:
    """A proof in one line for the terminal."""
    mark = "holds" if proof.passed else "DOES NOT HOLD"
    figures = "; ".join(f"{what}: {value}" for what, value in proof.figures.items())
    return f"{proof.id}  {proof.held}/{proof.tried} {mark}  {proof.title}  ({figures})"


def write() -> None:
    """Write the page from all proofs that were kept."""
    proofs = saved()
    rows = [
        f"| {p.id} | {p.title} | {p.passes_when} | **{_count(p.held)} of {_count(p.tried)}** "
        f"| {_figures(p)} | {p.when} |"
        for p in proofs
    ]
    faults = [f"- {p.id}: {fault}" for p in proofs for fault in p.faults[:20]]
    text = "\n".join(
        (
            "# Reliability",
            "",
            "Files from strangers are the subject: what was tried, what held, what was found. This "
            "page is written by `make reliability`; nothing in the table is typed by hand. One "
            "proof alone: `.venv/bin/python tests/reliability/run.py R2`. A fast part of each runs "
            "in `make test` (tests/reliability).",
            "",
            f"Measured here: {_machine()}.",
            "",
            "| proof | tried | passes when | held | further figures | when (UTC) |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "## What does not hold",
            "",
            *(faults or ["Nothing of the above."]),
            "",
            "## Threats, and what stands against each",
            "",
            *threats.table(),
            "",
            STORY.read_text(encoding="utf8").strip(),
            "",
        )
    )
    PAGE.write_text(text, encoding="utf8")


def _figures(proof: Proof) -> str:
    return "; ".join(f"{what}: {value}" for what, value in proof.figures.items())


def _count(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    landlock = jail.landlock_version()
    return (
        f"{platform.system()} {platform.release().split('-')[0]}, {cores} cores, Python "
        f"{platform.python_version()}, GDAL {rasterio.__gdal_version__}, HDF5 "
        f"{h5py.version.hdf5_version}, {f'Landlock {landlock}' if landlock else 'no Landlock'}"
    )
