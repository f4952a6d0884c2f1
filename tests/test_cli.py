"""The command line: JSON alone on standard output, one sentence for mistakes, same numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest
import rasterio

from rsviz.analysis.scoreboard import BEGIN, END
from rsviz.cli import main
from rsviz.evaluate import bench_model, compare
from rsviz.evaluate.rows import median_seconds, row
from rsviz.io import catalog


@pytest.fixture
def rsviz(capsys, tmp_path, monkeypatch):
    """Runs a command; gives exit status, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RSVIZ_CACHE", str(tmp_path / "cache"))

    def call(*argv):
        try:
            status = main([str(a) for a in argv])
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture
def trained(toys, patches_scene, rsviz):
    """The toy trained for seeds 0 and 1, of the second only the figures kept."""
    first = rsviz("train", "nearest", "--protocol", "patches-20", "--json")
    second = rsviz("train", "nearest", "--protocol", "patches-20", "--seed", 1, "--no-file")
    assert (first[0], second[0]) == (0, 0)
    return json.loads(first[1])


def answer(status_out_err):
    """The JSON of a command that went well."""
    status, out, err = status_out_err
    assert status == 0, err
    return json.loads(out)


def refused(status_out_err, *words):
    """A mistake: status 2, nothing on standard output, one line with these words."""
    status, out, err = status_out_err
    assert (status, out) == (2, "")
    assert len(err.strip().splitlines()) == 1, err
    for word in words:
        assert word in err


def test_scenes_are_listed_with_indian_pines_first(rsviz):
    found = answer(rsviz("scenes", "--json"))
    assert found[0]["id"] == "indian-pines"
    assert found[0]["origin"] == "real"
    assert {"farmland", "village"} <= {s["id"] for s in found}
    assert all(s["licence"] and s["title"] for s in found[:3])
    assert "indian-pines" in rsviz("scenes")[1]


def test_models_are_listed_with_their_weights(trained, rsviz):
    model = next(m for m in answer(rsviz("models", "--json")) if m["id"] == "nearest")
    assert model["paper"] == "doi:10.0000/toy"
    assert [w["seed"] for w in model["weights"]] == [0, 1]
    assert model["weights"][0]["sha256"] == trained["sha256"]


def test_protocols_are_listed_with_version_and_what_was_trained(trained, rsviz):
    found = {p["name"]: p for p in answer(rsviz("protocols", "--json"))}
    assert found["patches-20"]["version"] == 1
    assert found["patches-20"]["recorded"]["nearest"] == [0, 1]
    assert "squares of 15 pixels" in found["indian-pines-blocks"]["about"]
    assert "nearest" in rsviz("protocols")[1]


def test_scores_are_recorded_shown_and_written_between_marks(trained, rsviz, tmp_path):
    assert rsviz("scores")[1].strip() == ""
    answer(rsviz("eval", "nearest", "--protocol", "patches-20", "--record", "--json"))
    (board,) = answer(rsviz("scores", "--json"))
    (row,) = board["rows"]
    assert (board["metric"], row["protocol"]) == ("overall_accuracy", "patches-20")
    assert row["cells"]["nearest"]["seeds"] == 2
    page = tmp_path / "page.md"
    page.write_text(f"top\n{BEGIN}\n{END}\nend\n")
    assert rsviz("scores", "--write", page)[0] == 0
    assert "| `patches-20` (simulated) |" in page.read_text()
    refused(rsviz("scores", "--write", tmp_path / "none.md"), "none.md")


def test_a_calibration_is_fitted_on_pixels_left_out(trained, rsviz, monkeypatch):
    found = answer(rsviz("calibrate", "nearest", "--protocol", "patches-20", "--json"))
    assert found["n_validation"] == 12  # a fifth of 3 x 20
    assert 0.05 <= found["temperature"] <= 20
    told = answer(rsviz("eval", "nearest", "--protocol", "patches-20", "--json"))
    mended = told["calibration"]["calibrated"]["0"]
    assert mended["temperature"] == found["temperature"]
    assert mended["ece"] < told["calibration"]["ece"]
    assert set(mended["sets"]) == {"0.8", "0.9", "0.95", "0.99"}


def test_a_file_is_described_without_its_pixels(rsviz):
    found = answer(rsviz("describe", "indian-pines", "--json"))
    assert found["shape"] == [1, 200, 145, 145]
    assert found["grid"]["crs"] is None
    status, out, _ = rsviz("describe", "indian-pines")
    assert status == 0
    assert "200 bands" in out
    assert "no map coordinates" in out


def test_run_gives_metrics_seconds_device_and_the_seed_zero(trained, rsviz):
    found = answer(rsviz("run", "nearest", "--scene", "patches", "--json", "--device", "cpu"))
    assert found["metrics"]["overall_accuracy"] == pytest.approx(
        trained["metrics"]["overall_accuracy"], abs=1e-5
    )
    assert (found["device"], found["seeds"]) == ("cpu", [0])
    assert found["seconds"] >= 0
    assert set(found["layers"]) == {"classes", "probabilities"}


def test_run_writes_files_and_a_record_that_repeats(trained, rsviz, tmp_path, patches):
    out = tmp_path / "result"
    command = ("run", "nearest", "--scene", "patches", "--set", "sharpness=3", "--want", "all")
    first = answer(rsviz(*command, "--out", out, "--json"))
    assert {"distance", "means"} < set(first["layers"])
    assert {p.name for p in out.iterdir()} == {path.split("/")[-1] for path in first["files"]}
    assert {"classes.tif", "split.tif", "map.html", "record.json"} < {p.name for p in out.iterdir()}
    with rasterio.open(out / "classes.tif") as classes, rasterio.open(out / "split.tif") as split:
        assert classes.crs == split.crs == rasterio.CRS.from_epsg(32633)
        assert tuple(classes.transform)[:6] == patches.grid.affine
        test = split.read(1) == 2
        right = classes.read(1)[test] == patches.truth.labels[test]
    assert right.mean() == pytest.approx(first["metrics"]["overall_accuracy"])
    again = answer(rsviz("run", "--record", out / "record.json", "--json"))
    assert again["same"] is True
    assert again["layers"] == first["layers"]
    assert again["options"]["sharpness"] == 3.0
    assert "the same" in rsviz("run", "--record", out / "record.json")[1]


def test_a_record_of_another_scene_or_of_other_weights_is_refused(
    trained, rsviz, tmp_path, patches, monkeypatch
):
    out = tmp_path / "result"
    answer(rsviz("run", "nearest", "--scene", "patches", "--out", out, "--json"))
    path = out / "record.json"
    record = json.loads(path.read_text("utf8"))
    path.write_text(json.dumps(record | {"weights_sha256": "f" * 64}))
    refused(rsviz("run", "--record", path), "weights", "changed")
    path.write_text(json.dumps(record | {"layers": {**record["layers"], "classes": "0" * 64}}))
    found = answer(rsviz("run", "--record", path, "--json"))
    assert (found["same"], found["differing"]) == (False, ["classes"])
    path.write_text(json.dumps({k: v for k, v in record.items() if k != "layers"}))
    assert "same" not in answer(rsviz("run", "--record", path, "--json"))
    path.write_text(json.dumps(record))
    pixels = patches.pixels.copy()
    pixels[0, 0, 5, 5] += 1
    source = catalog.open_scene("patches")
    monkeypatch.setattr(source, "read", lambda window=None: replace(patches, pixels=pixels))
    refused(rsviz("run", "--record", path), "not the one of the record")


def test_eval_scores_committed_weights_beside_baselines(trained, rsviz, monkeypatch):
    monkeypatch.setattr("models.nearest.train.train", None)
    found = answer(rsviz("eval", "nearest", "--protocol", "patches-20", "--json"))
    assert (found["seeds"], found["measured"]) == ([0, 1], [0])
    assert [r["measured"] for r in found["runs"]] == [True, False]
    accuracies = [r["overall_accuracy"] for r in found["runs"]]
    assert found["metrics"]["overall_accuracy"] == pytest.approx(np.mean(accuracies))
    assert found["spread"]["overall_accuracy"] == pytest.approx(np.std(accuracies))
    assert accuracies[0] == pytest.approx(trained["metrics"]["overall_accuracy"], abs=1e-5)
    assert (found["n_train"], found["n_test"]) == (60, trained["metrics"]["n_test"])
    assert 0.5 < found["baselines"]["svm_rbf"]["overall_accuracy"] <= 1
    assert found["device"] == "cpu"
    assert len(found["metrics"]["per_class"]) == 3
    quick = answer(rsviz("eval", "nearest", "--protocol", "patches-20", "--quick", "--json"))
    assert quick["seeds"] == [0]
    assert quick["spread"]["overall_accuracy"] == 0
    status, out, _ = rsviz("eval", "nearest", "--protocol", "patches-20", "--seeds", 1)
    assert status == 0
    assert "svm_rbf" in out
    assert "McNemar against svm_rbf, seed 0" in out
    assert "looks at 1 x 1" not in out  # single spectra do not overlap


def test_eval_tests_in_pairs_and_tells_what_was_done(trained, rsviz, monkeypatch):
    found = answer(
        rsviz("eval", "nearest", "--protocol", "patches-20", "--against", "nearest", "--json")
    )
    (itself,) = found["paired"]["nearest"]
    assert (itself["seed"], itself["only_a"], itself["only_b"], itself["p"]) == (0, 0, 0, 1)
    (test,) = found["paired"]["svm_rbf"]
    right = found["runs"][0]["overall_accuracy"] * found["n_test"]
    assert test["both"] + test["only_a"] == pytest.approx(right, abs=0.5)
    counts = [test[name] for name in ("both", "only_a", "only_b", "neither")]
    assert sum(counts) == found["runs"][0]["n_test"]
    assert found["overlap"]["nearest"] == {"patch": 1, "share": 0, "holding": 0, "warning": ""}
    assert found["calibration"]["seeds"] == [0]
    assert sum(found["calibration"]["reliability"]["count"]) == found["runs"][0]["n_test"]
    assert found["preprocessing"] and found["scores"]["ece"] == "expected calibration error"
    monkeypatch.setattr("rsviz.evaluate.remembered.BASELINES", {})  # nothing is fitted again
    again = answer(rsviz("eval", "nearest", "--protocol", "patches-20", "--json"))
    assert again["baselines"] == found["baselines"]


def test_eval_refuses_what_was_not_trained_or_has_changed(trained, rsviz, toys, monkeypatch):
    refused(rsviz("eval", "nearest", "--protocol", "farmland-50"), "rsviz train nearest")
    refused(rsviz("eval", "nearest", "--protocol", "patches-20", "--seeds", 3), "seed 2", "0, 1")
    refused(rsviz("eval", "nearest", "--protocol", "patches-20", "--variant", "x"), "variant x")
    rule = compare.protocol("patches-20")
    monkeypatch.setitem(
        compare.protocol.__globals__["PROTOCOLS"], rule.name, replace(rule, version=2)
    )
    refused(rsviz("eval", "nearest", "--protocol", "patches-20"), "version 2", "Train them again")


def test_bench_gives_rows(toys, rsviz):
    rows = answer(rsviz("bench", "start", "--quick", "--json"))
    assert [set(r) for r in rows] == [{"name", "value", "unit", "baseline", "ratio"}] * 2
    assert rows[0]["ratio"] == pytest.approx(0.3 / rows[0]["value"])
    assert (rows[1]["name"], rows[1]["value"]) == ("imports torch", 0.0)
    refused(rsviz("bench", "nothing"), "scan", "open", "all")


def test_a_model_is_timed_with_and_without_the_fast_scan(trained, rsviz, monkeypatch):
    monkeypatch.setattr("models.nearest.train.train", three_epochs)
    rows = bench_model.model_bench("nearest", True, "cpu")
    assert [r["name"].split("/")[0] for r in rows] == ["inference", "inference", "training epoch"]
    assert [r["baseline"] for r in rows] == ["target", "loop_scan", "loop_scan"]
    assert all(r["value"] > 0 for r in rows)
    assert [r["ratio"] is None for r in rows] == [False, False, True]
    assert "patches,40x30" in rows[0]["name"]


def three_epochs(scene, labels, seed, settings, checkpoint, device, on_step):
    """A trainer that only counts."""
    for epoch in range(int(settings["epochs"])):
        on_step(epoch, int(settings["epochs"]), "counting")


def test_a_row_compares_a_median_with_its_baseline():
    assert row("a", 2.0, "s", "loop", 6.0)["ratio"] == 3.0
    assert row("a", 2.0, "s")["ratio"] is None
    calls = []
    assert median_seconds(lambda: calls.append(1), 3) >= 0
    assert len(calls) == 4


def test_mistakes_are_one_sentence_and_status_two(trained, rsviz, tmp_path):
    refused(rsviz("run", "nothing", "--scene", "patches"), "no model 'nothing'", "nearest")
    refused(rsviz("run", "nearest"), "A model and a scene are needed")
    refused(rsviz("run", "nearest", "--scene", "no-such"), "no scene 'no-such'")
    refused(rsviz("run", "nearest", "--scene", "patches", "--set", "a=1"), "no option 'a'")
    refused(rsviz("run", "nearest", "--scene", "patches", "--set", "a"), "NAME=VALUE")
    refused(rsviz("run", "nearest", "--scene", "patches", "--want", "x"), "distance, means")
    refused(rsviz("run", "nearest", "--scene", "patches", "--device", "tpu"), "no device 'tpu'")
    refused(rsviz("run", "nearest", "--record", "x.json"), "--record says all")
    refused(rsviz("run", "--record", tmp_path / "none.json"), "cannot be read")
    (tmp_path / "list.json").write_text("[1, 2]")
    refused(rsviz("run", "--record", tmp_path / "list.json"), "not the record of a run")
    refused(rsviz("describe", tmp_path / "none.tif"), "none.tif")
    refused(rsviz("eval", "nearest", "--protocol", "mars"), "no protocol 'mars'")
    refused(rsviz("train", "nearest", "--protocol", "patches-20", "--set", "x=1"), "no setting")
    refused(rsviz("fly"), "invalid choice")
    refused(rsviz(), "required")


def test_our_own_faults_have_a_reference_and_status_one(trained, rsviz, monkeypatch):
    monkeypatch.setattr(catalog, "open_scene", lambda *a: 1 / 0)
    status, out, err = rsviz("describe", "patches", "--json")
    assert (status, out) == (1, "")
    assert "ZeroDivisionError" in err
    assert "our fault (reference " in err


def test_what_a_library_prints_stays_out_of_the_answer(trained, rsviz, monkeypatch):
    opened = catalog.open_scene
    monkeypatch.setattr(catalog, "open_scene", lambda *a: (print("chatter"), opened(*a))[1])
    status, out, err = rsviz("run", "nearest", "--scene", "patches", "--json")
    assert status == 0
    assert "chatter" in err
    assert json.loads(out)["model"] == "nearest"
