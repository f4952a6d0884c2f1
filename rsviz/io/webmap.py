"""A result as a leafmap map that opens without internet: Leaflet inside, no tiles, no controls."""

from __future__ import annotations

import base64
import html
import importlib.resources
import io
import re
from typing import Any

import numpy as np
from PIL import Image

from rsviz.core.grid import Grid
from rsviz.core.layers import RasterLayer
from rsviz.core.model import Result
from rsviz.core.palettes import ramp
from rsviz.io.pictures import Legend, Picture, Rgba, pictures_of

WEB = "EPSG:3857"
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
Bounds = list[list[float]]


def to_leafmap(result: Result) -> Any:
    """A map of all raster layers of a result; the first is shown, the others can be switched on.

    Args:
        result: what a run gave.

    Returns:
        A `leafmap.foliumap.Map`; layers without map coordinates lie in pixel coordinates.
    """
    import folium
    from leafmap import foliumap

    rasters = [layer for layer in result.layers.values() if isinstance(layer, RasterLayer)]
    if result.split is not None:
        rasters.append(result.split)
    simple = not rasters or rasters[0].grid.crs is None
    options = dict.fromkeys(CONTROLS, False)
    leaf = foliumap.Map(tiles=None, crs="Simple" if simple else "EPSG3857", **options)
    leaf.default_js, leaf.default_css = [], []
    bounds: Bounds = [[0.0, 0.0], [1.0, 1.0]]
    for index, layer in enumerate(rasters):
        picture = pictures_of(layer)[0]
        image, bounds = _placed(picture.image, layer.grid)
        overlay = folium.raster_layers.ImageOverlay(
            _data_uri(image), bounds, name=layer.title, show=index == 0, pixelated=True
        )
        overlay.add_to(leaf)
        leaf.get_root().html.add_child(folium.Element(_legend(picture, overlay.get_name())))
    folium.LayerControl(collapsed=len(rasters) > FEW).add_to(leaf)
    leaf.fit_bounds(bounds)
    header = leaf.get_root().header
    for name, text in (("leaflet_css", _style()), ("leaflet_js", _script())):
        header.add_child(folium.Element(text), name=name)
    return leaf


def page(result: Result) -> str:
    """The map as one HTML page that asks nothing of the network."""
    leaf = to_leafmap(result)
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


def _placed(image: Rgba, grid: Grid) -> tuple[Rgba, Bounds]:
    """An image where Leaflet draws it straight, with its corners in degrees or pixels."""
    if grid.crs is None:
        return image, [[0.0, 0.0], [float(grid.height), float(grid.width)]]
    from rasterio.transform import Affine, array_bounds
    from rasterio.warp import Resampling, calculate_default_transform, reproject, transform_bounds

    source = Affine(*grid.affine)
    xs, ys = zip(*grid.corners(), strict=True)
    edges = (min(xs), min(ys), max(xs), max(ys))
    affine, width, height = calculate_default_transform(
        grid.crs, WEB, grid.width, grid.height, *edges
    )
    placed = np.zeros((4, height, width), np.uint8)
    reproject(
        np.ascontiguousarray(np.moveaxis(image, -1, 0)),  # (4, H, W)
        placed,
        src_transform=source,
        src_crs=grid.crs,
        dst_transform=affine,
        dst_crs=WEB,
        resampling=Resampling.nearest,
    )
    west, south, east, north = transform_bounds(
        WEB, "EPSG:4326", *array_bounds(height, width, affine)
    )
    return np.moveaxis(placed, 0, -1), [[south, west], [north, east]]


def _legend(picture: Picture, layer: str) -> str:
    """A legend as a box in the lower left corner."""
    title = html.escape(picture.title)
    return (
        f'<div class="rsviz-legend" data-layer="{layer}"><b>{title}</b>'
        f"{_ramp_rows(picture.legend) if picture.legend.ramp else _class_rows(picture.legend)}"
        "</div>"
    )


def _class_rows(legend: Legend) -> str:
    return "".join(
        f'<div><i style="background:{colour}"></i>{html.escape(name)}</div>'
        for colour, name in legend.entries
    )


def _ramp_rows(legend: Legend) -> str:
    stops = ",".join("rgb({},{},{})".format(*c.tolist()) for c in ramp(legend.ramp)[::16])
    low, high = (f"{value:.4g}" for value in legend.limits)
    return (
        f'<div class="rsviz-ramp" style="background:linear-gradient(to right,{stops})"></div>'
        f"<div>{low} to {high} {html.escape(legend.unit)}</div>"
    )


def _data_uri(image: Rgba) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image), "RGBA").save(buffer, "PNG", optimize=True)
    return _uri(buffer.getvalue())


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _style() -> str:
    """Leaflet's style with its images inside, and that of the legends."""
    folder = importlib.resources.files("xstatic.pkg.leaflet") / "data"
    css = re.sub(
        r"url\(images/([\w.-]+)\)",
        lambda found: f"url({_uri((folder / 'images' / found[1]).read_bytes())})",
        (folder / "leaflet.css").read_text(encoding="utf8"),
    )
    return f"""<style>{css}
    .leaflet-container {{ background: #f4f4f4; }}
    .leaflet-image-layer {{ image-rendering: pixelated; }}
    .rsviz-legend {{ position: fixed; left: 12px; bottom: 12px; z-index: 1000; padding: 8px 12px;
        background: #ffffffee; color: #222; font: 13px/1.5 sans-serif; border-radius: 4px;
        max-height: 80vh; overflow: auto; }}
    .rsviz-legend i {{ display: inline-block; width: 14px; height: 14px; margin-right: 6px;
        vertical-align: -2px; border: 1px solid #888; }}
    .rsviz-ramp {{ width: 180px; height: 14px; }}
    </style>"""


def _script() -> str:
    folder = importlib.resources.files("xstatic.pkg.leaflet") / "data"
    return f"<script>{(folder / 'leaflet.js').read_text(encoding='utf8')}</script>"
