"""Where a scene lies on the map: every pixel against an exact transformation."""

import numpy as np
import pytest
from pyproj import Transformer

from rsviz.core.errors import SceneMismatch
from rsviz.core.grid import Grid, Window
from rsviz.draw.projection import EARTH_RADIUS_M, from_mercator, mercator
from rsviz.draw.warp import MapFrame

NORTH_UP = Grid(120, 160, "EPSG:32632", (10.0, 0.0, 600_000.0, 0.0, -10.0, 4_800_000.0))
ROTATED = Grid(200, 150, "EPSG:32632", (7.0, 4.0, 600_000.0, 4.0, -7.0, 4_800_000.0))
SOUTH_UP = Grid(60, 80, "EPSG:4326", (0.01, 0.0, 10.0, 0.0, 0.01, 43.0))
DEGREES = Grid(300, 400, "EPSG:4326", (0.05, 0.0, 5.0, 0.0, -0.05, 60.0))
POLAR = Grid(100, 100, "EPSG:3031", (1000.0, 0.0, -2_500_000.0, 0.0, -1000.0, 1_500_000.0))
WEB = Grid(64, 64, "EPSG:3857", (30.0, 0.0, 1_000_000.0, 0.0, -30.0, 6_000_000.0))
LAMBERT = Grid(500, 500, "EPSG:2154", (2000.0, 0.0, 100_000.0, 0.0, -2000.0, 7_100_000.0))
ON_EARTH = {
    "north up": NORTH_UP,
    "rotated": ROTATED,
    "south up": SOUTH_UP,
    "degrees": DEGREES,
    "polar": POLAR,
    "web": WEB,
    "lambert": LAMBERT,
}


def coordinates_image(grid):
    """An image whose colours name their own row and column, two bytes each."""
    rows, cols = np.mgrid[: grid.height, : grid.width]
    planes = [rows // 256, rows % 256, cols // 256, cols % 256]
    return np.stack(planes, -1).astype(np.uint8)


def exact_positions(frame):
    """Scene pixel coordinates of every display pixel's centre, one exact transformation each."""
    height, width = frame.shape
    x0, y0 = (v.item() for v in mercator(frame.bounds.south, frame.bounds.west))
    x1, y1 = (v.item() for v in mercator(frame.bounds.north, frame.bounds.east))
    x = x0 + (np.arange(width) + 0.5) / width * (x1 - x0)
    y = y1 - (np.arange(height) + 0.5) / height * (y1 - y0)
    xs, ys = np.meshgrid(x, y)
    to_scene = Transformer.from_crs("EPSG:3857", frame.grid.crs, always_xy=True)
    sx, sy = to_scene.transform(xs, ys)
    a, b, c, d, e, f = frame.grid.affine
    inverse = np.linalg.inv(np.array([[a, b], [d, e]]))
    cols, rows = np.einsum("ij,jhw->ihw", inverse, np.stack([sx - c, sy - f]))
    return rows, cols


@pytest.mark.parametrize("grid", ON_EARTH.values(), ids=ON_EARTH)
def test_every_display_pixel_shows_the_right_scene_pixel(grid):
    frame = MapFrame.of(grid)
    rows, cols = exact_positions(frame)
    placed = frame.place(coordinates_image(grid)).astype(int)
    found_rows = placed[..., 0] * 256 + placed[..., 1]
    found_cols = placed[..., 2] * 256 + placed[..., 3]
    margin = 0.25
    inside = (rows > margin) & (rows < grid.height - margin)
    inside &= (cols > margin) & (cols < grid.width - margin)
    assert inside.mean() > 0.3
    error = np.maximum(
        np.maximum(found_rows - rows, rows - found_rows - 1),
        np.maximum(found_cols - cols, cols - found_cols - 1),
    )
    assert error[inside].max() < margin
    outside = (rows < -margin) | (rows > grid.height + margin)
    outside |= (cols < -margin) | (cols > grid.width + margin)
    assert not placed[outside].any()


@pytest.mark.parametrize("grid", ON_EARTH.values(), ids=ON_EARTH)
def test_a_pixel_and_its_place_on_the_map_name_each_other(grid):
    frame = MapFrame.of(grid)
    rng = np.random.default_rng(0)
    for _ in range(50):
        row, col = int(rng.integers(grid.height)), int(rng.integers(grid.width))
        lat, lng = frame.latlng(row + 0.5, col + 0.5)
        assert frame.rowcol(lat, lng) == (row, col)
        assert frame.rowcol(lat, lng + 360) == (row, col)
    south, west, north, east = frame.bounds
    corners = [frame.latlng(r, c) for r in (0, grid.height) for c in (0, grid.width)]
    slack = 1e-9
    assert all(south - slack <= lat <= north + slack for lat, _ in corners)
    assert all(west - slack <= lng <= east + slack for _, lng in corners)
    assert frame.rowcol(north + 1, east + 1) is None


def test_mercator_is_that_of_the_projection_library():
    lat, lng = np.array([-80.0, 0.0, 43.1]), np.array([-170.0, 0.0, 12.4])
    exact = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True).transform(lng, lat)
    assert np.allclose(mercator(lat, lng), exact, atol=1e-6)
    assert np.allclose(from_mercator(*exact), (lat, lng))


def test_finer_and_coarser_layers_lie_on_the_same_ground():
    frame = MapFrame.of(NORTH_UP, finest=4)
    coarse = np.zeros((30, 40, 4), np.uint8)
    coarse[..., 3] = 255
    coarse[10:20, 10:20, 0] = 255
    fine = coarse.repeat(16, 0).repeat(16, 1)  # 480 x 640: four times finer than the scene
    assert np.array_equal(frame.place(coarse), frame.place(fine))
    assert frame.shape[0] >= 480


def test_small_scenes_are_oversampled_and_large_ones_limited():
    assert 6 * 160 < max(MapFrame.of(NORTH_UP).shape) < 8 * 160
    large = Grid(20_000, 20_000, "EPSG:32632", (10, 0, 500_000.0, 0, -10, 5_000_000.0))
    frame = MapFrame.of(large)
    assert max(frame.shape) == 2048
    thumbnail = np.full((50, 50, 4), 255, np.uint8)
    assert frame.place(thumbnail).shape == (*frame.shape, 4)


@pytest.mark.parametrize("affine", [(0.1, 0, 170, 0, -0.1, 10), (0.1, 0, -190, 0, -0.1, 10)])
def test_a_scene_across_the_date_line_stays_in_one_piece(affine):
    frame = MapFrame.of(Grid(300, 400, "EPSG:4326", affine))
    assert frame.bounds.east - frame.bounds.west == pytest.approx(40.0)
    assert "date line" in frame.notes[0]
    west_side, east_side = frame.rowcol(0.0, 175.0), frame.rowcol(0.0, -175.0)
    assert west_side is not None and east_side is not None
    assert east_side[1] - west_side[1] == pytest.approx(100, abs=1)
    assert (frame.place(np.full((300, 400, 4), 255, np.uint8))[..., 3] == 255).all()


def test_a_projected_scene_across_the_date_line_stays_in_one_piece():
    grid = Grid(100, 200, "EPSG:32660", (2000.0, 0.0, 600_000.0, 0.0, -2000.0, 1_000_000.0))
    frame = MapFrame.of(grid)
    assert frame.bounds.east > 180.0 and frame.bounds.east - frame.bounds.west < 5
    lat, lng = frame.latlng(50.5, 190.5)
    assert lng > 180.0
    assert frame.rowcol(lat, lng) == (50, 190)
    assert frame.rowcol(lat, lng - 360.0) == (50, 190)


@pytest.mark.parametrize("west", [-180.0, 0.0])
def test_a_global_scene_is_cut_at_85_degrees_and_says_so(west):
    frame = MapFrame.of(Grid(180, 360, "EPSG:4326", (1, 0, west, 0, -1, 90)))
    assert frame.bounds.north == pytest.approx(85.0511, abs=1e-3)
    assert frame.bounds.east - frame.bounds.west == pytest.approx(360.0)
    assert "85 degrees" in frame.notes[0]
    assert frame.rowcol(0.5, 179.5) is not None and frame.rowcol(0.5, -179.5) is not None


@pytest.mark.parametrize(
    ("crs", "words"),
    [
        ("IAU_2015:49900", "not to Earth"),
        ("EPSG:999999", "not known"),
        ('LOCAL_CS["site",UNIT["metre",1]]', "coordinate system"),
        ("nonsense", "not known"),
    ],
)
def test_what_web_mercator_cannot_hold_is_shown_in_pixels_and_said(crs, words):
    frame = MapFrame.of(Grid(30, 40, crs, (100.0, 0.0, 0.0, 0.0, -100.0, 0.0)))
    assert not frame.on_map
    assert frame.bounds == (-30.0, 0.0, 0.0, 40.0)
    assert words in frame.notes[0] and "pixel coordinates instead" in frame.notes[0]


def test_the_pole_is_shown_in_pixels():
    frame = MapFrame.of(Grid(100, 100, "EPSG:3031", (1e4, 0, -5e5, 0, -1e4, 5e5)))
    assert not frame.on_map and "85 degrees" in frame.notes[0]


def test_the_disc_of_a_geostationary_satellite_is_drawn_without_space_around_it():
    crs = "+proj=geos +h=35785831 +lon_0=0 +sweep=y"
    grid = Grid(200, 200, crs, (5.5e4, 0.0, -5.5e6, 0.0, -5.5e4, 5.5e6))
    frame = MapFrame.of(grid)
    placed = frame.place(np.full((200, 200, 4), 255, np.uint8))
    assert frame.on_map and 0.5 < (placed[..., 3] > 0).mean() < 0.99
    assert placed[frame.shape[0] // 2, frame.shape[1] // 2, 3] == 255
    assert placed[0, 0, 3] == 0
    assert frame.rowcol(0.1, 0.1) == (99, 100)
    assert frame.rowcol(0.0, 170.0) is None


def test_a_scene_without_map_coordinates_is_its_own_frame():
    grid = Grid(30, 40)
    frame = MapFrame.of(grid)
    image = np.zeros((30, 40, 4), np.uint8)
    assert frame.place(image) is image and not frame.notes
    assert frame.latlng(2.5, 3.5) == (-2.5, 3.5)
    assert frame.rowcol(-2.5, 3.5) == (2, 3)
    assert frame.rowcol(0.5, 3.5) is None and frame.rowcol(-2.5, 40.0) is None


def test_a_box_on_the_map_becomes_the_window_of_the_pixels_it_touches():
    plain = MapFrame.of(Grid(30, 40))
    assert plain.window(-12.3, 4.2, -3.7, 9.0) == Window(3, 4, 10, 5)
    assert plain.window(-99.0, -5.0, 99.0, 99.0) == Window(0, 0, 30, 40)
    assert plain.window(5.0, 5.0, 9.0, 9.0) is None
    frame = MapFrame.of(NORTH_UP)
    north, west = frame.latlng(20.5, 30.5)
    south, east = frame.latlng(40.5, 60.5)
    window = frame.window(south, west, north, east)
    assert abs(window.row - 20) <= 1 and abs(window.col - 30) <= 1
    assert abs(window.height - 21) <= 3 and abs(window.width - 31) <= 3


def test_frames_of_the_same_ground_share_their_name():
    assert MapFrame.of(NORTH_UP).id == MapFrame.of(NORTH_UP, finest=4).id
    assert MapFrame.of(NORTH_UP).id != MapFrame.of(ROTATED).id


def test_an_image_of_another_shape_is_refused_with_its_shape():
    with pytest.raises(SceneMismatch, match=r"\(3, 120, 160\)"):
        MapFrame.of(NORTH_UP).place(np.zeros((3, 120, 160), np.uint8))


def test_the_table_for_the_browser_agrees_with_the_exact_way():
    frame = MapFrame.of(DEGREES)
    n, m = frame.nodes.shape[1:]
    south, west, north, east = frame.bounds
    _, y0 = mercator(south, west)
    _, y1 = mercator(north, east)
    lat, _ = from_mercator(0.0, y1 - (y1 - y0) * 1 / (n - 1))
    lng = west + (east - west) * 2 / (m - 1)
    rows, cols = frame.nodes[:, 1, 2]
    assert frame.rowcol(float(lat), lng) == (int(rows), int(cols))
    assert EARTH_RADIUS_M == 6_378_137.0
