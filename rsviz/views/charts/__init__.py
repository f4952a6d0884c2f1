"""Charts (plotly graph objects) that read well on light and dark pages.

Backgrounds are transparent and Streamlit's theme gives text and grid their colours; every axis
names its quantity and unit. The picked and the pinned pixel have the same two colours as on maps.
"""

from rsviz.views.charts.base import CONFIG
from rsviz.views.charts.layers import curve, spike_trace, time_series, tokens
from rsviz.views.charts.panels import is_panels
from rsviz.views.charts.pixel import (
    FEW_BANDS,
    Line,
    Measure,
    Stage,
    measures,
    probabilities,
    routing,
    spectra,
)
from rsviz.views.charts.scan import scan_orders
from rsviz.views.charts.scene import areas, benchmark, confusion, coverage, histogram
from rsviz.views.charts.season import (
    SeriesLine,
    by_date,
    compared,
    heat,
    mark_season,
    series,
    unfolding,
)
from rsviz.views.charts.sharpness import edge, power
from rsviz.views.charts.spiking import (
    THRESHOLD,
    Tap,
    by_depth,
    energy,
    membrane,
    psnr_by_steps,
    raster,
    taps,
)
from rsviz.views.charts.why import attribution, deletion

__all__ = [
    "CONFIG",
    "FEW_BANDS",
    "THRESHOLD",
    "Line",
    "Measure",
    "SeriesLine",
    "Stage",
    "Tap",
    "areas",
    "attribution",
    "benchmark",
    "by_date",
    "by_depth",
    "compared",
    "confusion",
    "coverage",
    "curve",
    "deletion",
    "edge",
    "energy",
    "heat",
    "histogram",
    "is_panels",
    "mark_season",
    "measures",
    "membrane",
    "power",
    "probabilities",
    "psnr_by_steps",
    "raster",
    "routing",
    "scan_orders",
    "series",
    "spectra",
    "spike_trace",
    "taps",
    "time_series",
    "tokens",
    "unfolding",
]
