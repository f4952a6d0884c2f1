"""What computes here: the badge, the choice of a device, and a report to paste into a question."""

from __future__ import annotations

import json
import sys
from typing import Any

import streamlit as st

from rsviz.core.run import versions
from rsviz.views import clients
from rsviz.views.state import Session, bind
from rsviz.views.words import many, plain, size

UNWANTED = ("torch", "rasterio", "h5py", "scipy.io", "sklearn", "leafmap", "matplotlib")
AUTO = "auto"
POLL_SECONDS = 2.0


def badge() -> None:
    """One line on the hardware, the scan and the threads; the worker tells it once it is up."""
    known = clients.executor().machine()
    st.fragment(_badge, run_every=None if "devices" in known else POLL_SECONDS)()


def _badge() -> None:
    known = clients.executor().machine()
    st.badge(
        plain(badge_text(known)),
        color="gray",
        icon=":material/memory:",
        help="Where models compute; how the selective scan is computed (fused on the GPU, "
        "compiled for this CPU, or the slow reference); and with how many threads.",
    )


def badge_text(known: dict[str, Any]) -> str:
    """What `machine()` tells, in a few words: 'CPU · compiled scan · 2 threads'."""
    if "devices" not in known:
        return "worker is starting"
    gpus = [device for device in known["devices"] if device["name"] != "cpu"]
    where = gpus[0]["kind"] if gpus else "CPU"
    scan = known["scan"].get(gpus[0]["name"] if gpus else "cpu", "no")
    return f"{where} · {scan} scan · {many(known['threads'], 'thread')}"


def choose_device(session: Session) -> None:
    """Where to compute: by itself, on the CPU, or on one of the GPUs with its free memory."""
    known = clients.executor().machine()
    labels = {AUTO: "Automatic"} | {d["name"]: device_label(d) for d in known.get("devices", ())}
    if session.device not in labels:
        session.device = AUTO

    def chosen(name: str) -> None:
        session.device = name

    st.selectbox(
        "Compute on",
        list(labels),
        format_func=lambda name: labels[name],
        key="device",
        on_change=bind("device", session.device, chosen),
        help="Automatic takes the GPU with the shortest queue, or the CPU when there is none.",
    )


def device_label(device: dict[str, Any]) -> str:
    """A device for people: 'CPU', 'NVIDIA H100, 71.2 GB free'."""
    if device["name"] == "cpu":
        return "CPU"
    return f"{device['kind']}, {size(device['free_bytes'])} free"


def diagnostics(session: Session) -> None:
    """A report on versions, device, kernel, threads and memory, with a button that copies it."""
    with st.popover("Diagnostics", icon=":material/monitor_heart:", width="stretch"):
        st.caption("Copy this into a question or a bug report; it names no file of yours.")
        st.code(report(session), language="json", wrap_lines=True)


def report(session: Session) -> str:
    """The report as JSON text."""
    known = {
        "rsviz": versions(),
        "streamlit": st.__version__,
        "machine": clients.executor().machine(),
        "readers": clients.readers().diagnostics(),
        "scene": "an uploaded file" if session.upload else session.scene,
        "model": session.model,
        "weights": session.weights,
        "unwanted_in_web_process": [name for name in UNWANTED if name in sys.modules],
    }
    return json.dumps(known, indent=1, default=str)
