"""A page with one of every chart and every drawn kind of layer: for the browser and for eyes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np
import streamlit as st

from rsviz.core import layers as core
from rsviz.core.grid import Grid
from rsviz.core.palettes import class_colours, expert_colours
from rsviz.core.scene import Band
from rsviz.draw.paint import Style
from rsviz.draw.warp import MapFrame
from rsviz.jobs.display import Histogram, RegionStats
from rsviz.views import charts
from rsviz.views.certainty import RiskCoverage
from rsviz.views.layers import chart, map_layer, show_layer
from rsviz.views.map import show_map
from rsviz.views.palettes import PICKED, PINNED

LABELS = (
    "Alfalfa", "Corn-notill", "Corn-mintill", "Corn", "Grass-pasture", "Grass-trees",
    "Grass-pasture-mowed", "Hay-windrowed", "Oats", "Soybean-notill", "Soybean-mintill",
    "Soybean-clean", "Wheat", "Woods", "Buildings-Grass-Trees-Drives", "Stone-Steel-Towers",
)  # fmt: skip
EXPERTS = ("→ rows", "← rows", "↓ columns", "↑ columns")
rng = np.random.default_rng(3)


def bands() -> list[Band]:
    centres = np.linspace(400, 2500, 220)
    gap = ((centres > 1340) & (centres < 1440)) | ((centres > 1790) & (centres < 1960))
    return [Band(f"b{i}", float(c)) for i, c in enumerate(centres[~gap])] + [
        Band("noisy", 2460.0, good=False)
    ]


def spectrum(level: float) -> np.ndarray:
    nm = np.array([b.wavelength_nm for b in bands()])
    edge = 0.05 + level / (1 + np.exp(-(nm - 715) / 12)) * np.exp(-(((nm - 900) / 1400) ** 2))
    return (edge + rng.normal(0, 0.002, nm.size)).astype(np.float32)


def shares(count: int, size: tuple[int, int]) -> np.ndarray:
    logits = rng.normal(size=(count, size[0] // 6, size[1] // 6)).repeat(6, 1).repeat(6, 2) * 2
    e = np.exp(logits + rng.normal(size=logits.shape) * 0.3)
    return (e / e.sum(0)).astype(np.float32)


st.set_page_config(layout="wide")
st.html(Path(charts.__file__).parents[1] / "shell.css")
left, right = st.columns(2)
colours = class_colours(16)
p, q = rng.dirichlet(np.full(16, 0.2), 2).astype(np.float32)
x = np.linspace(0.01, 1, 100).astype(np.float32)
counts, edges = np.histogram(rng.gamma(4, 500, 20000), 128)
with left:
    st.plotly_chart(
        charts.spectra(
            bands(),
            [
                charts.Line("Row 87, col 42", spectrum(0.4), PICKED),
                charts.Line("Row 3, col 9", spectrum(0.25), PINNED),
            ],
            "Reflectance [0-1]",
            RegionStats(spectrum(0.3), spectrum(0.04) - 0.02, 1234),
        ),
        config=charts.CONFIG,
    )
    st.plotly_chart(charts.probabilities(LABELS, colours, p, q, truth=4), config=charts.CONFIG)
    st.plotly_chart(
        charts.measures(
            [
                charts.Measure("Entropy", "nat", 0.42, 1.9, float(np.log(16))),
                charts.Measure("1 - margin", "", 0.12, 0.8),
                charts.Measure("1 - max p", "", 0.06, None),
            ]
        ),
        config=charts.CONFIG,
    )
    stages = [
        charts.Stage(f"Stage {i}", rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(4)))
        for i in (1, 2, 3)
    ]
    st.plotly_chart(charts.routing(EXPERTS, expert_colours(4), stages), config=charts.CONFIG)
    st.plotly_chart(
        charts.histogram(Histogram(edges, counts, 600, 4000), (600, 4000), "Red", "Digital number"),
        config=charts.CONFIG,
    )
    order = np.stack(
        [
            np.arange(30),
            np.arange(30)[::-1],
            np.arange(30).reshape(5, 6).T.ravel(),
            np.arange(30).reshape(5, 6).T.ravel()[::-1],
        ]
    )
    scan = core.Tokens("Scan", "", order, ("direction", "position"), (EXPERTS, ()))
    st.plotly_chart(charts.scan_orders(scan, 6), config=charts.CONFIG)
with right:
    st.plotly_chart(
        charts.areas(LABELS, colours, list(rng.gamma(1, 300, 16)), "ha"), config=charts.CONFIG
    )
    st.plotly_chart(
        charts.coverage(RiskCoverage(x, 1 - 0.15 * x**2, 1 - 0.6 * x, 0.05), 0.7),
        config=charts.CONFIG,
    )
    st.plotly_chart(
        charts.confusion(rng.poisson(np.eye(16) * 90 + 2), LABELS), config=charts.CONFIG
    )
    n = 2.0 ** np.arange(6, 14)
    st.plotly_chart(
        charts.benchmark({"compiled": (n, n * 2e-6), "plain loop": (n, n * 1e-4)}),
        config=charts.CONFIG,
    )
    st.plotly_chart(
        chart(
            core.Curve(
                "c", "", x, np.stack([x, x**2]), ("a", "b"), "wavelength [nm]", "reflectance"
            )
        ),
        config=charts.CONFIG,
    )
    st.plotly_chart(
        chart(
            core.TimeSeries(
                "t",
                "",
                np.stack([x[:12], 1 - x[:12]]),
                tuple(f"2023-{m:02d}-01" for m in range(1, 13)),
                ("NDVI", "x"),
                "NDVI",
            )
        ),
        config=charts.CONFIG,
    )
    st.plotly_chart(
        chart(
            core.SpikeTrace("s", "", rng.random((3, 8)), ("conv1", "conv2", "fc"), (1.0, 1.0, 0.5))
        ),
        config=charts.CONFIG,
    )
    st.plotly_chart(
        chart(
            core.Tokens(
                "g",
                "",
                rng.dirichlet(np.ones(4), 3),
                ("stage", "expert"),
                (("fine", "middle", "coarse"), EXPERTS),
                "weight",
            )
        ),
        config=charts.CONFIG,
    )
    show_layer(
        core.Table("t", "", ("Class", "F1 [%]"), (("Corn", 93.2), ("<b>Oats</b>", 81.0))), "table"
    )
size = (90, 120)
grid = Grid(*size, "EPSG:32632", (20.0, 0.0, 600_000.0, 0.0, -20.0, 4_800_000.0), (20.0, 20.0))
frame = MapFrame.of(grid)
probability = shares(16, size)
class_map = core.ClassMap("Classes", "", grid, probability.argmax(0), LABELS)
wave = rng.normal(size=size).cumsum(1).astype(np.float32)
images = tuple(Band(str(i)) for i in range(3))
entropy = -(probability * np.log(probability)).sum(0)
most = float(np.log(16))
kinds = [
    (class_map, Style(strength=probability.max(0))),
    (core.ProbabilityMap("Likeliest class", "", grid, probability, LABELS), Style()),
    (core.ProbabilityMap("Probability", "", grid, probability, LABELS), Style(plane=3)),
    (core.UncertaintyMap("Entropy", "", grid, entropy, "entropy", "nat", (0.0, most)), Style()),
    (core.ScalarMap("Difference", "", grid, wave, "difference", "K", diverging=True), Style()),
    (core.RoutingMap("Routing", "", grid, shares(4, size), EXPERTS, "1", "routing"), Style()),
    (core.SRImage("x4", "", grid.resized(360, 480), rng.random((3, 360, 480)), images, 4), Style()),
]
for (layer, style), column in zip(kinds, st.columns(2) * 4, strict=False):
    with column:
        show_map(frame, [map_layer(frame, layer.title, layer, style)], layer.title, height=320)
