"""NumPy and MATLAB files: which variable, which axes, what is refused, and what is told."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import scene_files as files
import scipy.io
import scipy.sparse

from rsviz.core.errors import BadOption, SceneTooLarge, UnreadableScene
from rsviz.io.budget import Budget
from rsviz.io.catalog import open_scene
from rsviz.io.doors import open_file
from rsviz.io.mat5 import _variables


def notes(source: object) -> str:
    return " ".join(source.describe().notes)  # type: ignore[attr-defined]


HWC = files.cube().transpose(1, 2, 0)
LABELS = (np.arange(17 * 23).reshape(17, 23) % 5).astype("u1")


@pytest.mark.parametrize("kind", ["mat5", "mat73", "npz"])
def test_the_scene_its_labels_and_its_wavelengths_are_found(tmp_path: Path, kind: str) -> None:
    arrays = {"map": LABELS, "scene": HWC, "wavelength": np.array([files.WAVELENGTHS])}
    writer = {"mat5": files.write_mat5, "mat73": files.write_mat73, "npz": files.write_npz}[kind]
    source = open_file(writer(tmp_path / f"a.{kind[:3]}", **arrays))
    d = source.describe()
    assert (d.variable, d.axes, d.shape) == ("scene", "HWC", (1, 5, 17, 23))
    assert set(d.choices) == {"scene", "map"}
    assert d.wavelengths_nm == pytest.approx(files.WAVELENGTHS)
    assert d.truth_names == ("Class 1", "Class 2", "Class 3", "Class 4")
    truth = source.read().truth
    assert truth is not None
    assert np.array_equal(truth.labels, LABELS)
    assert "'scene' was taken of 2" in notes(source)
    assert "reference labels have these rows and columns" in notes(source)
    assert "variable 'map', which does not name its 4 classes" in notes(source)
    source.close()


def test_another_variable_and_other_axes_can_be_chosen(tmp_path: Path) -> None:
    path = files.write_mat5(tmp_path / "a.mat", first=HWC, second=HWC[:, :, :2] + 1)
    chosen = open_file(path, variable="second", axes="WHC")
    assert chosen.describe().shape == (1, 2, 23, 17)
    assert np.array_equal(chosen.read().pixels[0], (HWC[:, :, :2] + 1).transpose(2, 1, 0))
    with pytest.raises(BadOption, match=r"There are: .*first, second"):
        open_file(path, variable="third")
    with pytest.raises(BadOption, match="do not fit"):
        open_file(path, axes="HW")


def test_a_label_file_beside_a_matlab_scene(tmp_path: Path) -> None:
    files.write_mat5(tmp_path / "Pavia_corrected.mat", pavia=HWC)
    files.write_mat5(tmp_path / "Pavia_gt.mat", pavia_gt=LABELS)
    truth = open_file(tmp_path / "Pavia_corrected.mat").read().truth
    assert truth is not None
    assert np.array_equal(truth.labels, LABELS)


def test_unpacking_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    budget = Budget(folder=str(folder))
    packed = open_file(files.write_mat5(tmp_path / "a.mat", scene=HWC), budget=budget)
    assert "compressed and was unpacked once (3.9 kB)" in notes(packed)
    assert not packed.describe().in_parts
    assert list(folder.iterdir()) == []  # the file has no name from the start
    plain = open_file(files.write_mat5(tmp_path / "b.mat", compressed=False, scene=HWC))
    assert plain.describe().in_parts
    assert "unpacked" not in notes(plain)


@pytest.mark.parametrize("kind", ["npz", "mat5"])
def test_what_is_too_large_to_unpack_is_refused(tmp_path: Path, kind: str) -> None:
    zeros = np.zeros((300, 300, 40), "u2")
    writer = {"mat5": files.write_mat5, "npz": files.write_npz}[kind]
    path = writer(tmp_path / f"a.{kind[:3]}", scene=zeros)
    assert path.stat().st_size < 20_000
    with pytest.raises(SceneTooLarge, match=r"7\.2 MB once unpacked; at most 1\.0 MB"):
        open_file(path, budget=Budget(unpack_bytes=1_000_000))


def test_matlab_files_without_an_image(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    cell = np.empty((1, 3), object)
    cell[0, 0], cell[0, 1], cell[0, 2] = np.zeros((4, 4)), np.ones((2, 2)), "words"
    sparse = scipy.sparse.eye(5).tocsc()
    scipy.io.savemat(path, {"c": cell, "s": {"x": 1}, "t": "words", "p": sparse, "v": [1, 2, 3]})
    with pytest.raises(UnreadableScene) as refused:
        open_file(path)
    for words in (
        "c is a cell array",
        "s is a structure",
        "t is text",
        "p is a sparse",
        "v (1, 3)",
    ):
        assert words in str(refused.value)
    scipy.io.savemat(path, {})
    with pytest.raises(UnreadableScene, match="there is: nothing"):
        open_file(path)


def test_headers_agree_with_scipy(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    variables = {
        "a": HWC,
        "long_name_of_a_variable": np.ones((2, 3), "f4"),
        "b": np.array([[True, False]]),
        "z": np.ones((2, 2)) * (1 + 2j),
        "e": np.zeros((0, 3)),
        "word": "text",
    }
    for compressed in (False, True):
        files.write_mat5(path, compressed, **variables)
        with path.open("rb") as file:
            found = {v.name: v for v in _variables(file)}
        oracle = {name: shape for name, shape, _ in scipy.io.whosmat(path)}
        assert list(found) == list(oracle)
        assert all(found[n].shape == oracle[n] for n in oracle if n != "word")
        assert found["z"].is_complex
        assert found["e"].dtype is None
        assert found["word"].what == "text"


def test_the_real_part_of_complex_variables(tmp_path: Path) -> None:
    source = open_file(files.write_mat5(tmp_path / "a.mat", z=HWC * (1 + 2j)))
    assert "real part" in notes(source)
    assert np.array_equal(source.read().pixels[0], files.cube())


class Trap:
    """Running this would create a file; unpickling must never happen."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return Path.touch, (self.path,)  # type: ignore[return-value]


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    trap = np.array([[Trap(sprung), 1], [2, 3]], dtype=object)
    np.save(tmp_path / "a.npy", trap, allow_pickle=True)
    np.savez(tmp_path / "a.npz", trap=trap)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Trap(sprung)))
    for name, words in (("a.npy", "Python objects"), ("a.npz", "no image"), ("a.pkl", "pickle")):
        with pytest.raises(UnreadableScene, match=words):
            open_scene(str(tmp_path / name))
    assert not sprung.exists()


def test_objects_beside_an_image_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, trap=np.array([None, 1]), scene=HWC)
    assert open_file(path).describe().choices == ("scene",)


@pytest.mark.parametrize("dtype", ["S4", "U3", "M8[s]", "f4,f4", "V8"])
def test_types_that_are_no_numbers(tmp_path: Path, dtype: str) -> None:
    path = files.write_npy(tmp_path / "a.npy", np.zeros((4, 5), dtype))
    with pytest.raises(UnreadableScene, match="plain numbers"):
        open_file(path)


@pytest.mark.parametrize("shape", ["(-1, 5)", "(99999999999, 99999999999, 9)", "(2, 3, 999)"])
def test_npy_headers_that_lie(tmp_path: Path, shape: str) -> None:
    header = f"{{'descr': '<u2', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    path = tmp_path / "a.npy"
    path.write_bytes(content + bytes(100))
    with pytest.raises(UnreadableScene):
        open_file(path)


def test_a_true_and_false_mask_is_an_image(tmp_path: Path) -> None:
    mask = np.tri(5, 7) > 0
    scene = open_file(files.write_npy(tmp_path / "a.npy", mask)).read()
    assert np.array_equal(scene.pixels[0, 0], mask)


def test_dates_bands_rows_columns(tmp_path: Path) -> None:
    data = np.arange(4 * 2 * 5 * 6, dtype="f4").reshape(4, 2, 5, 6) + 2
    source = open_file(files.write_npy(tmp_path / "a.npy", data))
    assert source.describe().shape == (4, 2, 5, 6)
    scene = source.read()
    assert np.array_equal(scene.pixels, data)
    assert scene.valid.shape == (4, 5, 6)
    assert np.array_equal(source.spectrum(3, 2).values, data[0, :, 3, 2])


def test_reflectance_is_guessed_from_a_few_values(tmp_path: Path) -> None:
    source = open_file(files.write_npy(tmp_path / "a.npy", files.cube("f4") / 200))
    assert source.describe().quantity == "reflectance"
    assert "taken as reflectance" in notes(source)
    other = open_file(files.write_npy(tmp_path / "b.npy", files.cube("f4")))
    assert other.describe().quantity == "dn"
    assert "does not say what its numbers mean" in notes(other)
