"""HDF5 in all its dresses: the guarded door, NetCDF-4 by CF, plain groups."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scene_files as files

from rsviz.core.errors import BadOption, RsvizError, SceneTooLarge, UnreadableScene
from rsviz.core.grid import Window
from rsviz.io import hdf5_door
from rsviz.io.budget import DEFAULT_BUDGET, Budget
from rsviz.io.doors import open_file
from rsviz.io.hdf5_door import Door

CANARY = b"the canary sings" * 200


def notes(source: object) -> str:
    return " ".join(source.describe().notes)  # type: ignore[attr-defined]


def external_storage(file: h5py.File, secret: Path) -> None:
    file.create_dataset("scene", (40, 40), "u1", external=[(str(secret), 0, 1600)])


def external_link(file: h5py.File, secret: Path) -> None:
    with h5py.File(secret.with_suffix(".h5"), "w") as other:
        other["scene"] = np.frombuffer(CANARY[:1600], "u1").reshape(40, 40)
    file["scene"] = h5py.ExternalLink(str(secret.with_suffix(".h5")), "scene")


def soft_link_through_an_external_one(file: h5py.File, secret: Path) -> None:
    external_link(file, secret)
    file.move("scene", "hidden")
    file["scene"] = h5py.SoftLink("/hidden")


def virtual_dataset(file: h5py.File, secret: Path) -> None:
    with h5py.File(secret.with_suffix(".h5"), "w") as other:
        other["scene"] = np.frombuffer(CANARY[:1600], "u1").reshape(40, 40)
    layout = h5py.VirtualLayout((40, 40), "u1")
    layout[:] = h5py.VirtualSource(str(secret.with_suffix(".h5")), "scene", shape=(40, 40))
    file.create_virtual_dataset("scene", layout)


@pytest.mark.parametrize("dress", ["h5", "mat", "nc"])
@pytest.mark.parametrize(
    "reach",
    [external_storage, external_link, soft_link_through_an_external_one, virtual_dataset],
)
def test_no_file_shows_another(
    tmp_path: Path, dress: str, reach: Callable[[h5py.File, Path], None]
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_bytes(CANARY)
    path = tmp_path / f"a.{dress}"
    writer: dict[str, Callable[[Path], object]] = {
        "h5": lambda p: h5py.File(p, "w").close(),
        "mat": lambda p: files.write_mat73(p, other=files.cube()),
        "nc": lambda p: files.write_netcdf4(p, files.cube()),
    }
    writer[dress](path)
    with h5py.File(path, "a") as file:
        if "scene" in file:
            del file["scene"]
        reach(file, secret)
    with pytest.raises(UnreadableScene, match="another file"):
        open_file(path)


def test_a_dataset_is_checked_whenever_it_is_read(tmp_path: Path) -> None:
    """A description made before does not open a dataset that fails the checks now."""
    secret = tmp_path / "secret.txt"
    secret.write_bytes(CANARY)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        external_storage(file, secret)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["scene"] = np.ones((40, 40), "u1")
    door = Door(tmp_path / "b.h5", DEFAULT_BUDGET)
    described = door.datasets["scene"]
    door._file = h5py.File(path)
    with pytest.raises(UnreadableScene, match="another file"):
        door.read(described, (slice(0, 5), slice(0, 5)))


def test_soft_links_inside_the_file_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["group/scene"] = files.cube()
        file["again"] = h5py.SoftLink("/group/scene")
        file["nowhere"] = h5py.SoftLink("/gone")
        file["group/loop"] = h5py.SoftLink("/group")
        file["group/self"] = file["group"]
    assert open_file(path).describe().choices == ("group/scene",)


def test_filters_that_need_a_plugin_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((8, 8))
        properties.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, ())  # Zstandard, by a plug-in
        space = h5py.h5s.create_simple((40, 40))
        h5py.h5d.create(file.id, b"scene", h5py.h5t.NATIVE_UINT8, space, properties)
    with pytest.raises(UnreadableScene, match="needs a plug-in"):
        open_file(path)


def test_too_many_objects_and_too_deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["/".join(["deep"] * 40) + "/scene"] = np.ones((4, 4))
    with pytest.raises(UnreadableScene, match="32 levels"):
        open_file(path)
    with h5py.File(path, "w") as file:
        for i in range(30):
            file[f"d{i}"] = np.ones((2, 2))
    monkeypatch.setattr(hdf5_door, "MOST_OBJECTS", 29)
    with pytest.raises(UnreadableScene, match="more than 29 objects"):
        open_file(path)


def test_a_chunk_larger_than_the_budget_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "scene", (5000, 5000), "u1", chunks=(5000, 5000), compression="gzip", fillvalue=3
        )
    assert path.stat().st_size < 10_000
    with pytest.raises(SceneTooLarge, match=r"One chunk of 'scene' needs 25\.0 MB"):
        open_file(path, budget=Budget(block_bytes=10_000_000))


def test_a_huge_sparse_dataset_is_read_by_window_only(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("scene", (100_000, 100_000, 50), "f4", chunks=(32, 32, 50), fillvalue=2)
    source = open_file(path)
    assert source.describe().block == (32, 32)
    assert (source.read(Window(99_990, 99_990, 10, 10), (0, 49)).pixels == 2).all()
    with pytest.raises(SceneTooLarge):
        source.read()


def test_types_numpy_does_not_know_and_objects_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["words"] = ["a", "b"]
        file.create_dataset("ragged", (3,), h5py.vlen_dtype(np.int32))
        file.create_dataset("pointer", data=file["words"].ref, dtype=h5py.ref_dtype)
        space = h5py.h5s.create_simple((4, 4))
        h5py.h5d.create(file.id, b"clock", h5py.h5t.UNIX_D32LE, space)
        file["table"] = np.zeros((4, 4), "f4,f4")
        file["empty"] = h5py.Empty("f4")
    with pytest.raises(UnreadableScene, match="holds no image"):
        open_file(path)
    with h5py.File(path, "a") as file:
        file["scene"] = files.cube()
    assert open_file(path).describe().variable == "scene"


def test_packed_values_missing_values_place_and_wavelengths_by_cf(tmp_path: Path) -> None:
    data = files.cube("i2")
    data[:, 4, 5] = -32767
    attributes = {
        "scale_factor": 0.002,
        "add_offset": 0.1,
        "_FillValue": np.int16(-32767),
        "units": "1",
        "standard_name": "surface_bidirectional_reflectance",
    }
    source = open_file(files.write_netcdf4(tmp_path / "a.nc", data, attributes))
    d = source.describe()
    assert (d.driver, d.variable, d.axes, d.quantity) == ("netcdf4", "scene", "CHW", "reflectance")
    assert d.wavelengths_nm == pytest.approx(files.WAVELENGTHS)
    assert d.grid.crs == files.CRS
    assert d.grid.affine == pytest.approx(tuple(files.AFFINE)[:6])
    scene = source.read()
    assert not scene.valid[0, 4, 5]
    expected = np.where(data == -32767, 0, data * 0.002 + 0.1)
    assert scene.pixels[0] == pytest.approx(expected, abs=1e-6)


def test_unsigned_numbers_kept_in_signed_ones(tmp_path: Path) -> None:
    data = np.arange(17 * 23).reshape(1, 17, 23).astype("u1")
    attributes = {"_Unsigned": "true", "_FillValue": np.int8(-1)}
    source = open_file(files.write_netcdf4(tmp_path / "a.nc", data.view("i1"), attributes))
    scene = source.read()
    assert source.describe().dtype == "uint8"
    assert np.array_equal(scene.valid[0], data[0] != 255)
    assert np.array_equal(scene.pixels[0, 0], np.where(data[0] == 255, 0, data[0]))


def test_grid_mapping_by_parameters_and_rows_from_south_to_north(tmp_path: Path) -> None:
    path = files.write_netcdf4(tmp_path / "a.nc", files.cube())
    with h5py.File(path, "a") as file:
        del file["crs"].attrs["crs_wkt"]
        file["crs"].attrs["grid_mapping_name"] = "sinusoidal"
        file["crs"].attrs["longitude_of_central_meridian"] = 0.0
        file["crs"].attrs["semi_major_axis"] = 6371007.181
        file["crs"].attrs["semi_minor_axis"] = 6371007.181
        file["y"][:] = file["y"][:][::-1]
    source = open_file(path)
    crs = source.describe().grid.crs
    assert crs is not None
    assert "Sinusoidal" in crs
    assert source.describe().grid.affine[4] == pytest.approx(30)
    assert "south to north" in notes(source)


def test_latitudes_and_longitudes_without_a_crs(tmp_path: Path) -> None:
    path = files.write_netcdf4(tmp_path / "a.nc", files.cube())
    with h5py.File(path, "a") as file:
        del file["scene"].attrs["grid_mapping"]
        for name, unit, start in (("x", "degrees_east", 13), ("y", "degrees_north", 52)):
            del file[name].attrs["standard_name"]
            file[name].attrs["units"] = unit
            file[name][:] = start + 0.01 * np.arange(len(file[name])) * (1 if name == "x" else -1)
    source = open_file(path)
    assert source.describe().grid.crs == "EPSG:4326"
    assert "taken as WGS 84" in notes(source)


def test_coordinates_that_are_not_even(tmp_path: Path) -> None:
    path = files.write_netcdf4(tmp_path / "a.nc", files.cube())
    with h5py.File(path, "a") as file:
        file["x"][3] += 100
    source = open_file(path)
    assert source.describe().grid.crs is None
    assert "not evenly spaced" in notes(source)


def test_bands_that_are_variables_of_their_own_are_stacked(tmp_path: Path) -> None:
    path = files.write_netcdf4(tmp_path / "a.nc", files.cube())
    with h5py.File(path, "a") as file:
        del file["scene"]
        for name, plane in zip(("blue", "green", "red"), files.cube(), strict=False):
            file[name] = plane
            file[name].dims[0].attach_scale(file["y"])
            file[name].dims[1].attach_scale(file["x"])
            file[name].attrs["grid_mapping"] = "crs"
            file[name].attrs["scale_factor"] = {"blue": 1.0, "green": 2.0, "red": 3.0}[name]
    source = open_file(path)
    d = source.describe()
    assert [band.name for band in d.bands] == ["blue", "green", "red"]
    assert d.choices == ("(all bands)", "blue", "green", "red")
    assert "3 variables with the same axes were taken as bands" in notes(source)
    expected = files.cube()[:3] * np.array([1, 2, 3])[:, None, None]
    assert np.array_equal(source.read().pixels[0], expected)
    assert np.array_equal(source.spectrum(5, 6).values, expected[:, 5, 6])
    assert np.array_equal(source.read(bands=(2, 0)).pixels[0], expected[[2, 0]])
    again = open_file(path, variable=d.variable, axes=d.axes)  # what was told can be asked for
    assert again.describe() == d
    only = open_file(path, variable="red")
    assert np.array_equal(only.read().pixels[0, 0], expected[2])


def test_dates(tmp_path: Path) -> None:
    path = files.write_netcdf4(tmp_path / "a.nc", files.cube())
    with h5py.File(path, "a") as file:
        file["band"][:] = np.arange(5) * 16
        file["band"].attrs["units"] = "days since 2019-12-31 12:00:00"
        del file["wavelength"]
    d = open_file(path).describe()
    assert d.shape == (5, 1, 17, 23)
    assert d.dates[:2] == ("2019-12-31", "2020-01-16")


def test_profiles_and_tables_are_no_images(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    with h5py.File(path, "w") as file:
        for name, n in (("experiment", 3), ("site", 10), ("level", 6)):
            file[name] = np.arange(n)
            file[name].make_scale(name)
        file["flux"] = np.ones((3, 10, 6), "f4")
        for axis, name in enumerate(("experiment", "site", "level")):
            file["flux"].dims[axis].attach_scale(file[name])
    with pytest.raises(UnreadableScene, match=r"'flux' \(experiment 3, site 10, level 6\)"):
        open_file(path)
    forced = open_file(path, variable="flux", axes="CHW")
    assert forced.describe().shape == (1, 3, 10, 6)
    with pytest.raises(BadOption):
        open_file(path, variable="flux")


def test_an_imaging_spectrometer_product_in_groups(tmp_path: Path) -> None:
    """EMIT keeps its bands last and its wavelengths in a group of their own."""
    path = tmp_path / "a.nc"
    data = files.cube("f4") / 400
    with h5py.File(path, "w") as file:
        for name, n in (("downtrack", 17), ("crosstrack", 23), ("bands", 5)):
            file[name] = np.zeros(n)
            file[name].make_scale(name)
        file["reflectance"] = data.transpose(1, 2, 0)
        for axis, name in enumerate(("downtrack", "crosstrack", "bands")):
            file["reflectance"].dims[axis].attach_scale(file[name])
        group = file.create_group("sensor_band_parameters")
        for name, values in (
            ("wavelengths", files.WAVELENGTHS),
            ("fwhm", [8.0] * 5),
            ("good_wavelengths", [1, 1, 0, 1, 1]),
        ):
            group[name] = np.array(values)
            group[name].dims[0].attach_scale(file["bands"])
        group["wavelengths"].attrs["units"] = "nm"
    d = open_file(path).describe()
    assert d.shape == (1, 5, 17, 23)
    assert d.wavelengths_nm == pytest.approx(files.WAVELENGTHS)
    assert [band.fwhm_nm for band in d.bands] == [8.0] * 5
    assert [band.good for band in d.bands] == [True, True, False, True, True]
    assert d.quantity == "reflectance"


def test_closing_releases_the_file(tmp_path: Path) -> None:
    path = files.write_mat73(tmp_path / "a.mat", scene=files.cube().transpose(1, 2, 0))
    source = open_file(path)
    source.close()
    with pytest.raises(RsvizError):
        source.read()
    with h5py.File(path, "a") as file:
        file["more"] = 1


def test_a_list_of_wavelengths_beside_a_plain_array(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["scene"] = files.cube()
        file.create_dataset("wavelength", data=np.array(files.WAVELENGTHS), chunks=(2,))
    assert open_file(path).describe().wavelengths_nm == pytest.approx(files.WAVELENGTHS)


def test_names_that_cannot_be_printed_are_read_and_shown_harmlessly(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["evil\x1b[31m\n/sc\u202eene"] = files.cube()
        file["other"] = files.cube()[0]
    source = open_file(path)
    assert source.describe().variable.isprintable()
    assert np.array_equal(source.read().pixels[0], files.cube())
    again = open_file(path, variable=source.describe().variable)
    assert again.describe() == source.describe()
