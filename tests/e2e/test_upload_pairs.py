"""Scenes that come in two files: uploaded at once, or one after the other, in either order."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

SERVER = "rsviz/views/server.py"
PATIENCE_MS = 60_000
HEADER = (
    "ENVI\nsamples = 40\nlines = 30\nbands = 5\nheader offset = 0\ndata type = 12\n"
    "interleave = bsq\nbyte order = 0\n"
)


@pytest.fixture(scope="module")
def env(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "tmp").mkdir()
    return {"RSVIZ_CACHE": str(folder / "cache"), "RSVIZ_DATA": "", "TMPDIR": str(folder / "tmp")}


@pytest.fixture
def envi(tmp_path) -> tuple[Path, Path]:
    cube = np.random.default_rng(0).integers(1, 4000, (5, 30, 40), dtype=np.uint16)
    data, header = tmp_path / "field.img", tmp_path / "field.hdr"
    data.write_bytes(cube.tobytes())
    header.write_text(HEADER)
    return data, header


@pytest.fixture
def uploader(serve, visit, env):
    """Opens the page and gives a function that uploads some files at once."""
    page = visit(serve(SERVER, env))
    page.set_default_timeout(PATIENCE_MS)
    page.locator(".rsviz-map .leaflet-image-layer").first.wait_for()

    def upload(*paths: Path):
        opener = page.get_by_role("button", name="Open a file")
        if opener.get_attribute("aria-expanded") != "true":
            opener.click()
        place = page.locator("input[type=file]")
        expect(place).to_have_count(1)  # a new one comes for each upload; the old one goes after it
        place.set_input_files([str(p) for p in paths])
        return page

    return upload


def gone(page, words: str) -> None:
    """Wait until words are seen no more; Streamlit keeps what it hides in the page for a while."""
    told = page.get_by_text(words).filter(visible=True)
    expect(told).to_have_count(0, timeout=PATIENCE_MS)


def scene_opens(page, name: str) -> None:
    """Wait until the scene is named and drawn."""
    chooser = page.get_by_role("combobox", name="Scene")
    expect(chooser).to_have_value(re.compile(re.escape(name)), timeout=PATIENCE_MS)
    gone(page, "need their header")
    image = page.locator(".rsviz-map .leaflet-image-layer").filter(visible=True).first
    expect(image).to_have_js_property("complete", True, timeout=PATIENCE_MS)
    expect(image).not_to_have_js_property("naturalWidth", 0, timeout=PATIENCE_MS)


def test_both_at_once(uploader, envi):
    scene_opens(uploader(*envi), "field.img")


def test_the_data_first_and_then_the_header(uploader, envi):
    page = uploader(envi[0])
    page.get_by_text(re.compile("need their header")).first.wait_for()
    uploader(envi[1])
    scene_opens(page, "field.img")


def test_the_header_first_and_then_the_data(uploader, envi):
    page = uploader(envi[1])
    page.get_by_text(re.compile("is here. Now choose the file with the pixels")).wait_for()
    uploader(envi[0])
    scene_opens(page, "field.img")
    gone(page, "is here. Now choose")


def test_a_picture_and_then_its_world_file(uploader, tmp_path):
    picture, place = tmp_path / "photo.png", tmp_path / "photo.pgw"
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (30, 40, 3), dtype=np.uint8)).save(
        picture
    )
    place.write_text("2\n0\n0\n-2\n400001\n5799999\n")
    page = uploader(picture)
    scene_opens(page, "photo.png")
    uploader(place)
    page.get_by_text("A world file gives the position").first.wait_for(state="attached")
