"""Boards of recorded scores: what stands where, who is best, and the README that shows them."""

from pathlib import Path

import pytest

from rsviz.analysis import scoreboard
from rsviz.analysis.scoreboard import BEGIN, END, boards, markdown, written_into
from rsviz.core import registry

ROOT = Path(__file__).parents[2]


def evaluation(model, protocol, accuracy, seeds=5, baselines=None, variant="", simulated=False):
    scores = {"overall_accuracy": accuracy, "kappa": 0.5, "per_class": [None]}
    found = {name: scores | {"overall_accuracy": v} for name, v in (baselines or {}).items()}
    spread = {"overall_accuracy": 0.01}
    return {
        "model": model,
        "protocol": protocol,
        "variant": variant,
        "simulated": simulated,
        "metrics": scores,
        "spread": spread,
        "baselines": {name: s | {"spread": spread} for name, s in found.items()},
        "seeds": list(range(seeds)),
        "n_train": 700,
        "n_test": 9554,
    }


SVM = {"svm_rbf": 0.7}
TITLES = {"a": "Model A", "b": "Model B"}


def test_models_share_a_row_and_the_best_is_marked():
    (board,) = boards(
        [
            evaluation("a", "pines-50", 0.9, baselines=SVM),
            evaluation("b", "pines-50", 0.95, 3, SVM),
        ],
        TITLES,
    )
    assert board.metric == "overall_accuracy"
    assert list(board.methods.values()) == ["Model A", "Model B", "RBF-SVM"]
    (row,) = board.rows
    assert {name: cell.mean for name, cell in row.cells.items()} == {
        "a": 0.9,
        "b": 0.95,
        "svm_rbf": 0.7,
    }
    assert board.best(row) == "b"
    text = markdown([board])
    assert (
        "| `pines-50` | 700 / 9,554 | 90.00 ± 1.00 | **95.00 ± 1.00** (3) | 70.00 ± 1.00 |" in text
    )
    assert text.startswith("Overall accuracy in %:")


def test_one_seed_has_no_spread_and_a_missing_model_an_empty_cell():
    (board,) = boards(
        [
            evaluation("a", "pines-50", 0.9, 1, SVM),
            evaluation("b", "farm", 0.6, baselines=SVM, simulated=True),
        ],
        TITLES,
    )
    text = markdown([board])
    assert "| **90.00** |  | 70.00 |" in text
    assert "| `farm` (simulated) | 700 / 9,554 |  | 60.00 ± 1.00 | **70.00 ± 1.00** |" in text


def test_other_numbers_and_other_baselines_are_other_boards():
    sharper = evaluation("a", "sharp", 0.9) | {"metrics": {"psnr_db": 31.0}, "spread": {}}
    worse = evaluation("b", "heat", 0.9, baselines=SVM) | {"metrics": {"rmse_k": 1.5}}
    worse["baselines"] = {"linear": {"rmse_k": 1.2}}
    found = boards(
        [
            worse,
            sharper,
            evaluation("a", "pines", 0.9, baselines=SVM),
            evaluation("a", "year", 0.9, baselines={"ltae": 0.8}),
        ],
        TITLES,
    )
    assert [board.metric for board in found] == [
        "overall_accuracy",
        "overall_accuracy",
        "psnr_db",
        "rmse_k",
    ]
    heat = found[-1]
    assert heat.best(heat.rows[0]) == "linear"  # less is better
    assert "linear" in heat.methods.values()


def test_a_variant_has_a_row_of_its_own():
    (board,) = boards(
        [
            evaluation("a", "pines", 0.9, baselines=SVM),
            evaluation("a", "pines", 0.8, baselines=SVM, variant="pixel"),
        ],
        TITLES,
    )
    assert [row.protocol for row in board.rows] == ["pines", "pines (pixel)"]


def test_a_table_is_written_between_the_marks():
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert written_into(text, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    with pytest.raises(ValueError, match="marks"):
        written_into("nothing here", "new")


def test_the_readme_shows_what_is_recorded():
    titles = {card.id: card.title for card in registry.cards().values()}
    table = markdown(boards(scoreboard.recorded(registry.MODELS), titles))
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    assert written_into(readme, table) == readme, "run: python -m rsviz scores --write README.md"


def test_recorded_evaluations_are_of_todays_weights():
    for one in scoreboard.recorded(registry.MODELS):
        card = registry.card(one["model"])
        known = {(w.protocol, w.seed) for w in card.weights}
        assert {(one["protocol"], seed) for seed in one["seeds"]} <= known, one["protocol"]
        assert one["measured_on"]
