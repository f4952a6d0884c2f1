"""The colours of marks; those of data come from `rsviz.core.palettes`."""

from __future__ import annotations

PICKED, PINNED, CHOSEN = "#d6336c", "#1c7ed6", "#e8710a"
"""The picked pixel, the pinned pixel and the chosen rectangle, on every map and chart."""

MEASURED, GREY = "#3d8bd4", "#8a8f98"
"""Neutral series of charts, and what stands in the background; readable in both themes."""
