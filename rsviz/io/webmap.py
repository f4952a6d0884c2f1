"""A result as a leafmap map that opens without internet: Leaflet inside, no tiles, no controls."""

from __future__ import annotations

import html
import importlib.resources
import math
import re
from typing import Any

import numpy as np

from rsviz.core.grid import Grid
from rsviz.core.layers import RasterLayer
from rsviz.core.model import Result
from rsviz.core.scene import Scene
from rsviz.draw.colour import blended, first_look
from rsviz.draw.legend import Legend
from rsviz.draw.paint import Drawing, draw
from rsviz.draw.warp import MapFrame
from rsviz.io.encode import data_uri, encode

CONTROLS = (
    "draw_control",
    "measure_control",
    "fullscreen_control",
    "attribution_control",
    "scale_control",
    "latlon_control",
    "locate_control",
    "minimap_control",
    "search_control",
    "layers_control",
    "toolbar_control",
)
FEW = 8


def to_leafmap(result: Result, scene: Scene | None = None) -> Any:
    """A map of all raster layers of a result; the first is shown, the others can be switched on.

    Args:
        result: what a run gave.
        scene: what lies beneath the layers, in true colour where its bands allow it.

    Returns:
        A `leafmap.foliumap.Map`; layers without map coordinates lie in pixel coordinates.
    """
    import folium
    from leafmap import foliumap

    rasters = [layer for layer in result.layers.values() if isinstance(layer, RasterLayer)]
    if result.split is not None:
        rasters.append(result.split)
    drawings = [(layer.title, draw(layer), layer.grid) for layer in rasters]
    if scene is not None:
        drawings.insert(0, ("Scene", _composite(scene), scene.grid))
    frame = _frame([layer.grid for layer in rasters], scene)
    south, west, north, east = frame.bounds
    bounds = [[south, west], [north, east]]
    options = dict.fromkeys(CONTROLS, False)
    leaf = foliumap.Map(tiles=None, crs="EPSG3857" if frame.on_map else "Simple", **options)
    leaf.default_js, leaf.default_css = [], []
    shown = 1 if scene is None else 2
    legends = ""
    for index, (title, drawing, grid) in enumerate(drawings):
        overlay = folium.raster_layers.ImageOverlay(
            data_uri(*encode(frame.place(drawing.image, grid), drawing.photo)),
            bounds,
            name=html.escape(title),
            show=index < shown,
            pixelated=True,
        )
        overlay.add_to(leaf)
        if drawing.legend is not None:
            legends += _legend(drawing.legend, overlay.get_name())
    boxes = f'<div class="rsviz-legends">{legends}</div>'
    leaf.get_root().html.add_child(folium.Element(boxes))
    folium.LayerControl(collapsed=len(drawings) > FEW).add_to(leaf)
    leaf.fit_bounds(bounds)
    header = leaf.get_root().header
    for name, text in (("leaflet_css", _style()), ("leaflet_js", _script())):
        header.add_child(folium.Element(text), name=name)
    return leaf


def page(result: Result, scene: Scene | None = None) -> str:
    """The map as one HTML page that asks nothing of the network."""
    leaf = to_leafmap(result, scene)
    root = leaf.get_root()
    root.title = html.escape(f"{result.record.model} on {result.record.scene_name}")
    root.script.add_child(_switch(leaf.get_name()), name="legends")
    text: str = root.render()
    return text


def _switch(leaf: str) -> Any:
    """Shows the legends of the visible overlays only."""
    import folium

    return folium.Element(f"""
        addEventListener('load', () => {{
            const boxes = document.querySelectorAll('.rsviz-legend');
            const refresh = () => boxes.forEach(box => {{
                box.hidden = !{leaf}.hasLayer(window[box.dataset.layer]); }});
            {leaf}.on('layeradd layerremove', refresh); refresh();
        }});""")


def _frame(grids: list[Grid], scene: Scene | None) -> MapFrame:
    """Where the scene lies on the map, in the detail of the finest layer."""
    ground = scene.grid if scene else min(grids, key=lambda grid: grid.height, default=Grid(1, 1))
    finest = max((math.ceil(grid.height / ground.height) for grid in grids), default=1)
    return MapFrame.of(ground, finest)


def _composite(scene: Scene) -> Drawing:
    """The first date of a scene as one sees it at first."""
    planes = [
        np.where(scene.valid[0], scene.pixels[0, band], np.float32(np.nan))
        for band in first_look(scene.bands)
    ]
    image, _ = blended(planes)
    return Drawing(image, None, None, photo=True)


def _legend(legend: Legend, layer: str) -> str:
    """A legend as a box that belongs to an overlay."""
    return (
        f'<div class="rsviz-legend" data-layer="{layer}"><b>{html.escape(legend.title)}</b>'
        f"{_ramp_rows(legend) if legend.ramp else _class_rows(legend)}</div>"
    )


def _class_rows(legend: Legend) -> str:
    return "".join(
        f'<div><i style="background:{entry.colour}"></i>{html.escape(entry.name)} '
        f"<small>{html.escape(entry.note)}</small></div>"
        for entry in legend.entries
    )


def _ramp_rows(legend: Legend) -> str:
    stops = ",".join(legend.ramp)
    return (
        f'<div class="rsviz-ramp" style="background:linear-gradient(to right,{stops})"></div>'
        f"<div>{legend.low:.4g} to {legend.high:.4g} {html.escape(legend.unit)}</div>"
    )


def _style() -> str:
    """Leaflet's style with its images inside, and that of the legends."""
    folder = importlib.resources.files("xstatic.pkg.leaflet") / "data"
    css = re.sub(
        r"url\(images/([\w.-]+)\)",
        lambda found: f"url({data_uri((folder / 'images' / found[1]).read_bytes(), 'image/png')})",
        (folder / "leaflet.css").read_text(encoding="utf8"),
    )
    return f"""<style>{css}
    .leaflet-container {{ background: #f4f4f4; }}
    .leaflet-image-layer {{ image-rendering: pixelated; }}
    .rsviz-legends {{ position: fixed; left: 12px; bottom: 12px; z-index: 1000; max-height: 80vh;
        overflow: auto; }}
    .rsviz-legend {{ padding: 8px 12px; margin-top: 6px; background: #ffffffee; color: #222;
        font: 13px/1.5 sans-serif; border-radius: 4px; }}
    .rsviz-legend small {{ color: #666; }}
    .rsviz-legend i {{ display: inline-block; width: 14px; height: 14px; margin-right: 6px;
        vertical-align: -2px; border: 1px solid #888; }}
    .rsviz-ramp {{ width: 180px; height: 14px; }}
    </style>"""


def _script() -> str:
    folder = importlib.resources.files("xstatic.pkg.leaflet") / "data"
    return f"<script>{(folder / 'leaflet.js').read_text(encoding='utf8')}</script>"
