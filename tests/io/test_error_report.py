"""The report of errors and its files: whole, readable elsewhere, and asking nobody anything."""

import csv
import re
from dataclasses import replace

import numpy as np
import pytest

from rsviz.analysis import judged
from rsviz.analysis.comparison import Comparison
from rsviz.analysis.facets import Filter
from rsviz.core.grid import Grid, Window
from rsviz.core.layers import ClassMap, Curve, ProbabilityMap, Table, UncertaintyMap
from rsviz.core.model import Result, RunRecord
from rsviz.core.scene import Band, Scene, Truth
from rsviz.draw.verdicts import unveiled, verdict_map
from rsviz.io import error_report
from rsviz.io.catalog import open_scene
from rsviz.io.error_files import write_layers, write_pixels
from rsviz.io.error_report import Confused, ErrorStudy
from rsviz.io.figures import Markup, Series, lines, nice, table

NAMES = ("<script>alert(1)</script>", "=rye", "fallow")
GRID = Grid(24, 20, "EPSG:32632", (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_500_000.0), (10.0, 10.0))


def record(model: str) -> RunRecord:
    return RunRecord(
        model=model, weights="w", weights_sha256="0" * 64, options={}, scene_id="0" * 32,
        scene_ref="farmland", scene_name="Farm <b>land</b>", device="cpu", seed=0, wants=(),
        seconds=1.0, peak_memory_mb=1.0, versions={"rsviz": "0"},
    )  # fmt: skip


def result(seed: int, truth: Truth) -> Result:
    rng = np.random.default_rng(seed)
    p = np.moveaxis(rng.dirichlet(np.ones(3), GRID.shape), -1, 0).astype(np.float32)
    right = rng.random(GRID.shape) < 0.6
    classes = np.where(right & (truth.labels > 0), truth.labels - 1, p.argmax(0)).astype(np.int16)
    split = np.where(truth.labels > 0, rng.integers(1, 3, GRID.shape), 0).astype(np.int16)
    layers = {
        "classes": ClassMap("Classes", "", GRID, classes, NAMES),
        "probabilities": ProbabilityMap("Probabilities", "", GRID, p, NAMES),
        "entropy": UncertaintyMap("Entropy", "", GRID, p[0], "entropy", "nat"),
    }
    metrics = {"overall_accuracy": 0.61, "average_accuracy": 0.6, "kappa": 0.5, "n_test": 9}
    labels = ("ignored", "train", "test")
    return Result(layers, record("mamba_moe"), metrics, ClassMap("Split", "", GRID, split, labels))


@pytest.fixture
def study() -> ErrorStudy:
    rng = np.random.default_rng(5)
    truth = Truth(rng.integers(0, 4, GRID.shape).astype(np.int16), NAMES)
    pixels = rng.random((1, 4, *GRID.shape)).astype(np.float32)
    bands = tuple(Band(f"b{i}", 500.0 + 100 * i) for i in range(4))
    scene = Scene(pixels, np.ones((1, *GRID.shape), bool), bands, GRID, name="Farm <b>land</b>")
    first, second = (result(seed, truth) for seed in (1, 2))
    sides = []
    for one in (first, second):
        p, classes = one.layers["probabilities"].data, one.layers["classes"]
        sides.append(judged.judge(classes, p.max(0), truth, one.split, 0.8))
    b = sides[1].among(sides[0].at)
    made = Comparison(sides[0].among(b.at), b, "A", Filter(), None)
    spectra = rng.random((3, 4)).astype(np.float32)
    explained = Result(
        {
            "gradients": Curve("G", "", np.arange(4), spectra[:1], ("G",), "nm", "Part"),
            "occlusion": Curve("O", "", np.arange(4), spectra[1:2], ("O",), "nm", "Part"),
            "deletion": Curve("D", "", np.arange(4), spectra, ("a", "b", "Random"), "%", "p"),
            "facts": Table("F", "", ("Quantity", "Value"), (("Class", NAMES[0]), ("Lead", 1.25))),
        },
        record("mamba_moe"),
    )
    return ErrorStudy(
        scene, np.full((*GRID.shape, 4), 90, np.uint8), np.arange(4, dtype=np.float32),
        "Wavelength [nm]", truth, first, second, made,
        (Confused(0, 2, 7, spectra, spectra * 0.1),), explained,
    )  # fmt: skip


def text_of(cells: str) -> list[str]:
    return re.findall(r"<td[^>]*>(\d*)</td>", cells)


def test_the_report_holds_everything_and_asks_nobody(study):
    text = error_report.report(study)
    for part in (
        "On the map", "A against B", "Confusion of A", "Spectra behind", "What makes pixels hard",
        "Worst regions", "Why: the pixel", "Records", "McNemar", "weights_sha256",
    ):  # fmt: skip
        assert part in text
    assert not re.findall(r'(?:src|href)="(?!data:image/png;base64,)', text)
    assert "http" not in text.replace("http-equiv", "") and "url(" not in text
    assert "default-src 'none'" in text
    assert "<script" not in text and "<b>land</b>" not in text


def test_the_matrix_in_the_report_is_that_of_the_test_pixels(study):
    text = error_report.report(study)
    matrix = text[text.index('class="matrix"') :]
    found = text_of(matrix[matrix.index("<tbody>") : matrix.index("</table>")])
    made = study.comparison
    counts = judged.confusion(made.a, np.ones(made.a.at.size, bool))
    assert [int(cell or 0) for cell in found] == counts.ravel().tolist()


def test_a_filtered_report_says_so(study):
    chosen = replace(study.comparison, chosen=Filter(true=2), area=Window(2, 3, 10, 8))
    text = error_report.report(replace(study, comparison=chosen, second=None, explained=None))
    count = int(chosen.lit.sum())
    assert f"Shown are {count:,} of {chosen.a.at.size:,} test pixels: True fallow" in text
    assert "rows 2 to 11, columns 3 to 10" in text
    assert "A against B" not in text and "Why: the pixel" not in text


def test_pixels_are_a_table_with_places_and_both_answers(study, tmp_path):
    made = replace(study.comparison, chosen=Filter(true=1))
    path = write_pixels(made, GRID, tmp_path / "pixels.csv")
    rows = list(csv.DictReader(path.open(encoding="utf8")))
    assert len(rows) == made.a.at.size
    assert [int(r["lit"]) for r in rows] == made.lit.astype(int).tolist()
    assert [int(r["right_b"]) for r in rows] == made.b.right.astype(int).tolist()
    first = rows[0]
    x, y = GRID.xy(int(first["row"]) + 0.5, int(first["col"]) + 0.5)
    assert (float(first["x"]), float(first["y"])) == (x, y)
    assert {r["true"] for r in rows} == {NAMES[0], "'=rye", NAMES[2]}


def test_layers_are_georeferenced_and_hold_the_verdicts(study, tmp_path):
    files = write_layers(study.comparison, study.truth, study.first, study.second, tmp_path)
    names = {path.name for path in files}
    assert {"errors_a.tif", "errors_b.tif", "agreement.tif", "entropy_a.tif"} <= names
    assert "confidence_a_minus_b.tif" in names
    source = open_scene(str(tmp_path / "errors_a.tif"))
    found = source.read()
    source.close()
    assert found.grid.affine == GRID.affine and found.grid.crs is not None
    codes, a = found.pixels[0, 0].ravel(), study.comparison.a
    assert codes[a.at].tolist() == (a.facets["verdict"].codes + 1).tolist()
    trained = study.first.split.data.ravel() == 1
    assert (codes[trained] == 4).all()


def test_veils_leave_files_but_for_what_was_trained_on(study):
    a = study.comparison.a
    none = np.zeros(a.at.size, bool)
    layer = unveiled(verdict_map(a, study.truth, study.first.split, none))
    assert set(np.unique(layer.data)) == {-1, 3} and layer.labels[3] == "trained on"


def test_lines_break_at_gaps_and_name_their_axes():
    x = np.array([0, 1, 2, 10, 11, 12], np.float32)
    values = np.array([1, 2, np.nan, 4, 5, 6], np.float32)
    text = lines(x, [Series("a<b", values, "#112233")], "Wavelength [nm]", "Reflectance")
    assert text.count("<polyline") == 2 and "<polygon" not in text
    assert "a&lt;b" in text and ">Wavelength [nm]</text>" in text
    ribbon = lines(x, [Series("a", values, "#112233", spread=values)], "", "")
    assert ribbon.count("<polygon") == 2


def test_ticks_are_round_numbers_inside_the_range():
    assert nice(0.0, 1.0) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert nice(2470.0, 391.0) == [2470.0]
    assert nice(391.0, 2470.0) == [500.0, 1000.0, 1500.0, 2000.0]


def test_cells_are_text_unless_they_are_markup():
    made = table(("<h>",), [("<span class=x>",), (Markup("<i>ok</i>"),)])
    assert "&lt;h&gt;" in made and "&lt;span" in made and "<i>ok</i>" in made
