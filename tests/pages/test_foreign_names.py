"""No page gives a stranger's words to Markdown or to a chart: all its elements are read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import h5py
import numpy as np
import pytest
import rasterio
from google.protobuf.message import Message
from rasterio.transform import from_origin

EVIL = "**evil** <b>evil</b> :red[evil] ![evil](http://203.0.113.9/x.png)"
NAME = EVIL.replace("/", "")
PAGES = (
    "scene", "classify", "internals", "errors", "time_series", "super_resolve", "temperature",
    "train",
)  # fmt: skip
TABS = {"scene": "scene-tabs", "time_series": "season-tabs", "temperature": "temperature-tabs"}
TEXT_ALONE = {
    ("Selectbox", "options"), ("Selectbox", "raw_value"), ("MultiSelect", "options"),
    ("MultiSelect", "raw_values"), ("TextInput", "default"), ("TextInput", "value"),
    ("Code", "code_text"),
}  # fmt: skip
"""What Streamlit shows letter by letter: (element, field)."""

CHARTS = {("PlotlyChart", "spec")}
OWN = {("BidiComponent", "json"), ("BidiComponent", "mixed")}
"""Components of ours; tests/reliability/test_text_stays_text.py reads their scripts."""

MARKUP = re.compile(r"(?<!\\)\*\*evil|(?<!\\)<b>evil|:red(?<!\\)\[evil|(?<!\\)!?\[evil|http://203")


def texts(message: Message) -> Iterator[tuple[str, str, str]]:
    """Every text of an element: (kind, field, text), the parts of its parts as well."""
    for field, value in message.ListFields():
        for one in value if field.is_repeated else (value,):
            if isinstance(one, Message):
                yield from texts(one)
            elif isinstance(one, str):
                yield message.DESCRIPTOR.name, field.name, one


def elements(block) -> Iterator[Message]:
    """All elements of a page, and the blocks around them."""
    for child in block.children.values():
        if child.proto is not None:
            yield child.proto
        if hasattr(child, "children"):
            yield from elements(child)


def write(path, planes):
    with rasterio.open(
        path, "w", driver="GTiff", count=len(planes), height=30, width=40, dtype=planes.dtype,
        crs="EPSG:32632", transform=from_origin(400000, 5500000, 10, 10),
    ) as file:  # fmt: skip
        file.write(planes)
        for band in range(1, len(planes) + 1):
            file.set_band_description(band, f"{EVIL} {band}")
        file.update_tags(title=EVIL, quantity=EVIL, class_names=json.dumps([EVIL, f"{EVIL} 2"]))
    return path


def image(path, height=1.0):
    noise = np.random.default_rng(0).integers(100, 300, (4, 30, 40))
    return write(path, (3000 * height + noise).astype("u2"))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Scenes whose file, bands, classes, variables or days are named like markup."""
    folder = tmp_path_factory.mktemp("foreign")
    one = image(folder / f"{NAME}.tif")
    labels = np.arange(1200).reshape(1, 30, 40) % 3
    write(one.with_name(f"{one.stem}_gt.tif"), labels.astype("u1"))
    days = folder / f"{NAME} days"
    days.mkdir()
    for month in range(1, 8):
        image(days / f"{NAME}_2023-{month:02}-11.tif", np.exp(-(((month - 4) / 1.5) ** 2)))
    many = folder / f"{NAME} many.h5"
    with h5py.File(many, "w") as file:
        for name in (NAME, "other"):
            file[name] = np.ones((9, 30, 40), "u2")
            file[name].attrs["units"] = file[name].attrs["long_name"] = EVIL
    broken = folder / f"{NAME} broken.tif"
    broken.write_bytes(b"II*\0" + b"\xff" * 60)
    return {
        "image": {"scene": str(one), "pixel": "4,5"},
        "series": {"scene": str(days), "pixel": "4,5"},
        "variables": {"scene": str(many), "variable": NAME, "pixel": "4,5"},
        "no variable": {"scene": str(many), "variable": EVIL},
        "damaged": {"scene": str(broken)},
        "missing": {"scene": EVIL, "model": EVIL, "weights": EVIL},
    }


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "scene", ["image", "series", "variables", "no variable", "damaged", "missing"]
)
def test_words_of_strangers_stay_words(open_page, scenes, page, scene):
    test = open_page(page, **scenes[scene])
    shown = []
    for tab in [tab.label for tab in test.tabs] or [""]:
        if tab:
            test.session_state[TABS[page]] = tab
            test.run()
        assert not test.exception
        shown += [found for one in elements(test._tree) for found in texts(one)]
    assert any("evil" in text for _, _, text in shown), "the words do not reach the page at all"
    read = [found for found in shown if found[:2] not in TEXT_ALONE | OWN | CHARTS]
    assert [found for found in read if MARKUP.search(found[2])] == []
    charts = [text for *place, text in shown if tuple(place) in CHARTS]
    assert [text for text in charts if "<b>evil" in json.dumps(json.loads(text))] == []
