"""Axes: how they are guessed, and that any order is read rightly by seeking."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsviz.core.errors import BadOption, UnreadableScene
from rsviz.core.grid import Window
from rsviz.io import flat, layout
from rsviz.io.flat import FlatFile, flat_pixels, open_bytes
from rsviz.io.layout import checked_axes, guessed_axes, pieces


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((145, 145, 200), "HWC"),
        ((200, 145, 145), "CHW"),
        ((610, 340, 103), "HWC"),  # Pavia University
        ((512, 217, 204), "HWC"),  # Salinas
        ((349, 1905, 144), "HWC"),  # Houston
        ((3, 512, 700), "CHW"),
        ((512, 700, 4), "HWC"),
        ((100, 80, 224), "HWC"),
        ((40, 50), "HW"),
        ((68, 101, 100, 1), "THWC"),
        ((12, 10, 64, 64), "TCHW"),
        ((12, 64, 64, 10), "THWC"),
    ],
)
def test_guess_of_usual_shapes(shape: tuple[int, ...], axes: str) -> None:
    guess, sentence = guessed_axes(shape, "scene")
    assert guess == axes
    assert (len(shape) == 2) == (sentence == "")
    if sentence:
        assert axes in sentence
        assert "choose other axes" in sentence


def test_labels_and_wavelengths_beside_decide() -> None:
    shape = (60, 50, 40)
    assert guessed_axes(shape, "a", plane=(50, 40))[0] == "CHW"
    assert guessed_axes(shape, "a", plane=(60, 50))[0] == "HWC"
    assert guessed_axes(shape, "a", bands=60)[0] == "CHW"
    assert "60 wavelengths" in guessed_axes(shape, "a", bands=60)[1]


@pytest.mark.parametrize("shape", [(), (7,), (68, 1), (1, 1, 9), (0, 5, 5), (2, 3, 4, 5, 6)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnreadableScene, match="shape"):
        guessed_axes(shape, "a")


@pytest.mark.parametrize("axes", ["HW", "HWCT", "HHW", "CTH", "XYZ", "H-C", "H-W", "HW-"])
def test_axes_that_do_not_fit(axes: str) -> None:
    with pytest.raises(BadOption, match="do not fit"):
        checked_axes(axes, (4, 5, 6))


def test_an_axis_of_size_1_may_stay_without_a_meaning() -> None:
    assert checked_axes("-hw", (1, 5, 6)) == "-HW"


def test_axes_in_lower_case_are_accepted() -> None:
    assert checked_axes("hwc", (4, 5, 6)) == "HWC"


@given(
    row=st.integers(0, 300),
    height=st.integers(1, 300),
    bands=st.integers(1, 7),
    by_band=st.booleans(),
    row_bytes=st.integers(1, layout.PIECE_BYTES * 2),
    multiple=st.integers(1, 64),
)
def test_pieces_cover_a_window_once(
    row: int, height: int, bands: int, by_band: bool, row_bytes: int, multiple: int
) -> None:
    seen = np.zeros((bands, row + height), int)
    for group, rows in pieces(Window(row, 0, height, 5), bands, by_band, row_bytes, multiple):
        seen[group, rows] += 1
        assert rows.stop == row + height or rows.stop % multiple == 0
    assert (seen[:, row:] == 1).all()
    assert (seen[:, :row] == 0).all()


@st.composite
def stored_arrays(draw: st.DrawFn) -> tuple[str, tuple[int, ...], Window, tuple[int, ...]]:
    axes = "".join(draw(st.permutations(draw(st.sampled_from(["HW", "CHW", "TCHW"])))))
    sizes = {a: draw(st.integers(1, 9)) for a in "TCHW"}
    bands = sizes["C"] if "C" in axes else 1
    row, col = (draw(st.integers(0, sizes[a] - 1)) for a in "HW")
    height = draw(st.integers(1, sizes["H"] - row))
    width = draw(st.integers(1, sizes["W"] - col))
    chosen = draw(st.lists(st.integers(0, bands - 1), min_size=1, unique=True).map(sorted))
    return axes, tuple(sizes[a] for a in axes), Window(row, col, height, width), tuple(chosen)


@settings(max_examples=300, deadline=None)
@given(stored_arrays(), st.sampled_from([1, 40, 4 << 20]), st.sampled_from([1, 6, 1024]))
def test_any_order_window_and_bands(
    tmp_path_factory: pytest.TempPathFactory,
    case: tuple[str, tuple[int, ...], Window, tuple[int, ...]],
    span: int,
    run: int,
) -> None:
    """Reading by seeking equals indexing in memory, however the reads are split."""
    axes, shape, window, bands = case
    array = np.arange(np.prod(shape), dtype=">u2").reshape(shape)
    path = tmp_path_factory.getbasetemp() / "array.bin"
    path.write_bytes(b"head" + array.tobytes())
    monkey = pytest.MonkeyPatch()
    monkey.setattr(flat, "SPAN_BYTES", span)
    monkey.setattr(flat, "RUN_BYTES", run)
    monkey.setattr(flat, "GAP_BYTES", run)
    monkey.setattr(layout, "PIECE_BYTES", span)
    pixels = flat_pixels(FlatFile(open_bytes(path), "array", 4, array.dtype, shape), False, axes)
    whole = pixels.layout.to_tchw(array)
    expected = whole[:, list(bands)][:, :, window.rows, window.cols]
    got = np.zeros_like(expected)
    for block in pixels.blocks(window, bands):
        rows = slice(block.rows.start - window.row, block.rows.stop - window.row)
        got[:, block.bands, rows] = block.data
    pixels.close()
    monkey.undo()
    assert np.array_equal(got, expected)


def test_a_spectrum_touches_only_its_numbers(tmp_path: Path) -> None:
    """One pixel of a band-sequential file costs its own bytes, not whole bands."""

    class Counting(io.FileIO):
        taken = 0

        def read(self, size: int = -1) -> bytes:
            data = super().read(size)
            Counting.taken += len(data)
            return data

    array = np.arange(50 * 200 * 300, dtype="u2").reshape(50, 200, 300)
    path = tmp_path / "a.bin"
    path.write_bytes(array.tobytes())
    for axes, at_most in (("CHW", 50 * 2), ("HWC", 300 * 50 * 2)):
        Counting.taken = 0
        shaped = array if axes == "CHW" else array.reshape(200, 300, 50)
        source = FlatFile(Counting(path), "a", 0, array.dtype, shaped.shape)  # type: ignore[arg-type]
        blocks = list(flat_pixels(source, False, axes).blocks(Window(7, 9, 1, 1), range(50)))
        assert sum(b.data.size for b in blocks) == 50
        assert Counting.taken <= at_most
