"""Stacks that are damaged, out of order or empty get a sentence on the page of seasons."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

CLOUDED = ":material/cloud:"
DAYS = ["2023-03-04", "2023-03-19", "2023-04-08"]


def archive(path, days=DAYS, cube=None):
    """Three dates of 5 x 6 pixels in two bands, in one file."""
    rng = np.random.default_rng(0)
    pixels = rng.uniform(0.1, 0.5, (len(days), 2, 5, 6)) if cube is None else cube
    np.savez(path, data=pixels.astype(np.float32), dates=np.array(days))
    return path


def image(path, rows):
    transform = from_origin(400000, 5500000, 10, 10)
    with rasterio.open(
        path, "w", driver="GTiff", count=2, height=rows, width=6, dtype="int16",
        crs="EPSG:32632", transform=transform,
    ) as out:  # fmt: skip
        out.write(np.full((2, rows, 6), 7, np.int16))


def damaged(folder):
    path = archive(folder / "damaged.npz")
    path.write_bytes(path.read_bytes()[:400])
    return path


def of_different_sizes(folder):
    for day, rows in zip(DAYS, (5, 5, 8), strict=True):
        image(folder / f"S2_{day.replace('-', '')}.tif", rows)
    return folder


def without_days(folder):
    for name in "abc":
        image(folder / f"{name}.tif", 5)
    return folder


def with_too_few_days(folder):
    cube = np.full((3, 2, 5, 6), 0.3)
    return archive(folder / "few.npz", DAYS[:2], cube)


def with_days_that_are_none(folder):
    return archive(folder / "soon.npz", ["2023-03-04", "soon", "2023-04-08"])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (damaged, "damaged.npz"),
        (of_different_sizes, "has 5 x 6 pixels, 'S2\\_20230408' has 8 x 6"),
        (without_days, "3 of 3 images have no day in their name"),
        (with_too_few_days, "lists 2 days for 3 images"),
        (with_days_that_are_none, "no days"),
    ],
)
def test_a_stack_that_cannot_be_read_says_why(open_page, tmp_path, make, said):
    test = open_page("time_series", scene=str(make(tmp_path)))
    assert not test.exception
    (error,) = test.error
    assert said in error.value and "fault is ours" not in error.value


def test_dates_out_of_order_are_sorted_and_those_that_repeat_are_told(open_page, tmp_path):
    path = archive(tmp_path / "mixed.npz", [DAYS[2], DAYS[0], DAYS[0]])
    test = open_page("time_series", scene=str(path), pixel="2,2")
    assert not test.exception and not test.error
    told = "\n".join(part.value for part in test.markdown).replace("\\", "")
    assert "were sorted" in told and "2023-03-04 (2 images)" in told


def test_one_date_is_no_season(open_page, tmp_path):
    test = open_page("time_series", scene=str(archive(tmp_path / "one.npz", DAYS[:1])))
    assert not test.exception
    (warning,) = test.warning
    assert "shows one date; a season needs several" in warning.value


def test_a_stack_that_is_clouded_everywhere_is_shown_empty_and_told(open_page, tmp_path):
    cube = np.full((3, 2, 5, 6), np.nan)
    test = open_page("time_series", scene=str(archive(tmp_path / "c.npz", cube=cube)), pixel="2,2")
    assert not test.exception and not test.error
    warning = next(part for part in test.warning if part.icon == CLOUDED)
    assert "All 3 dates are clouded or without data everywhere" in warning.value
    assert any("No season is found here" in part.value for part in test.markdown)


def test_a_date_that_is_all_clouded_is_counted(open_page, tmp_path):
    cube = np.full((3, 2, 5, 6), 0.3)
    cube[1] = np.nan
    test = open_page("time_series", scene=str(archive(tmp_path / "c.npz", cube=cube)))
    assert not test.exception
    assert all(part.icon != CLOUDED for part in test.warning)
    assert any("On 1 of 3 dates no pixel is clear." in part.value for part in test.caption)
