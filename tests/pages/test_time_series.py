"""The page of seasons on a small stack of its own: dates, series, markers, corrections."""

import csv

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from rsviz.views import address, season, series
from rsviz.views.bench import Bench

DATES = [f"2023-{m:02}-{d:02}" for m in range(2, 12) for d in (4, 19)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Twenty dates of 8 x 9 pixels in two bands; the left half greens up earlier."""
    rng = np.random.default_rng(1)
    day = np.arange(20)[:, None, None] * 15.2
    peak = np.where(np.arange(9) < 4, 110.0, 200.0)[None, None]
    green = 0.1 + 0.6 * np.exp(-0.5 * ((day - peak) / 35) ** 2) + np.zeros((1, 8, 1))
    cube = np.stack([green, 0.3 - 0.2 * green], 1) + rng.normal(0, 0.004, (20, 2, 8, 9))
    path = tmp_path_factory.mktemp("stack") / "season.npz"
    np.savez(path, data=cube.astype(np.float32), dates=np.array(DATES))
    return path


def text_of(test: AppTest) -> str:
    return "\n".join(part.value for part in [*test.markdown, *test.caption, *test.warning])


def opened(open_page, stack, **query):
    test = open_page("time_series", scene=str(stack), **query)
    assert not test.exception and [e.value for e in test.error] == []
    return test


def test_the_dates_of_the_file_are_listed_and_can_be_corrected(open_page, stack):
    test = opened(open_page, stack, pixel="3,2")
    session = test.session_state[address.KEY]
    assert session.date == 0 and session.dates == ()
    assert any(tab.label == "Season" for tab in test.tabs)


@pytest.mark.parametrize(
    ("clear_columns", "shown"),
    [
        ({0: 0, 1: 3, 2: 8, 3: 9, 4: 9}, 3),  # of equals the first
        ({0: 0, 1: 7, 2: 8, 3: 8, 4: 5}, 2),
        ({}, 0),
    ],
)
def test_the_map_starts_at_the_clearest_date(open_page, stack, tmp_path, clear_columns, shown):
    with np.load(stack) as kept:
        cube, dates = kept["data"][:5].copy(), kept["dates"][:5]
    for step, count in clear_columns.items():
        cube[step, :, :, count:] = np.nan
    path = tmp_path / "clouded.npz"
    np.savez(path, data=cube, dates=dates)
    test = opened(open_page, path, pixel="3,2")
    session = test.session_state[address.KEY]
    assert session.date == shown
    session.date = 1  # where the visitor stops the map it stays
    test.run()
    assert session.date == 1 and not test.exception


def test_markers_follow_the_pixel(open_page, stack):
    def peak(col):
        test = opened(open_page, stack, pixel=f"3,{col}")
        return {m.label: m.value for m in test.metric}["Peak"]

    early, late = peak(2), peak(7)
    assert early.startswith("2023-05") and late.startswith("2023-08")


def test_one_date_gets_a_sentence_and_a_way_on(open_page):
    test = open_page("time_series", scene="farmland")
    assert "shows one date" in text_of(test)
    assert not test.exception


def test_kept_series_go_into_the_csv(stack, monkeypatch):
    from rsviz.draw.warp import MapFrame
    from rsviz.io.catalog import open_scene
    from rsviz.views import clients
    from rsviz.views.state import Session

    source = open_scene(str(stack))
    about = source.describe()
    from rsviz.jobs.season import series as read

    monkeypatch.setattr(clients, "series", lambda key, row, col: read(source, row, col))
    session = Session(scene=str(stack), picked=(3, 2), pinned=(3, 7))
    bench = Bench(session, clients.SceneKey(str(stack)), about, MapFrame.of(about.grid))
    name = next(iter(series._quantities(bench)))
    head, *rows = csv.reader(series.as_csv(bench, (name,)).splitlines())
    assert head[0] == "date" and head[1].startswith("Pinned (row 3, col 7)")
    assert [row[0] for row in rows] == DATES
    values = [float(row[2]) for row in rows]
    np.testing.assert_allclose(values, read(source, 3, 2)[:, 0], rtol=1e-4)
    source.close()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["2023-01-01", "yesterday"], "no date"),
        (["2023-01-02", "2023-01-01"], "increase"),
        (["2023-01-01", "2023-01-01"], "increase"),
        (["2023-01-01", "2023-01-02"], ""),
    ],
)
def test_typed_dates_are_checked(typed, said):
    found = season._problem(typed)
    assert (said in found) if said else found == ""
