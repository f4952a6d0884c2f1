"""Scores of all seeds taken together, and what a card takes, in words."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from rsviz.core import registry
from rsviz.core.card import Accepts, Weights
from rsviz.core.errors import RsvizError
from rsviz.views import catalogue, errors, forms
from rsviz.views.speed import split_rows


def weights(name: str, seed: int, accuracy: float) -> Weights:
    return Weights(
        id=f"{name}/seed-{seed}",
        file="",
        sha256="",
        scene="farmland",
        protocol="farmland-50",
        seed=seed,
        bands=200,
        recipe="",
        data="",
        licence="",
        measured_on="cpu",
        parameters=1,
        metrics={"overall_accuracy": accuracy, "average_accuracy": 0.5, "kappa": 0.4, "n_test": 9},
    )


@pytest.fixture
def card():
    many = [weights("farmland-50", seed, 0.9 + 0.02 * seed) for seed in range(3)]
    return replace(
        registry.card("mamba_moe"), weights=(*many, weights("farmland-blocks-pixel", 0, 0.6))
    )


def test_seeds_are_taken_together(card):
    random, blocks = catalogue.measured(card)
    assert (random.name, random.seeds, random.tested, random.by_blocks) == (
        "farmland-50",
        3,
        9,
        False,
    )
    assert random.scores["overall_accuracy"] == pytest.approx([0.9, 0.92, 0.94])
    assert catalogue._spread(random, "overall_accuracy") == "92.00 ± 1.63"
    assert (blocks.name, blocks.by_blocks) == ("farmland-blocks-pixel", True)
    assert catalogue._spread(blocks, "kappa") == "40.00"


def test_the_overview_shows_the_first_protocol_not_the_best(card):
    assert catalogue._headline(catalogue.measured(card)) == "OA 92.00 ± 1.63 % (farmland-50)"
    assert catalogue._headline([]) == "not measured"


def test_the_command_names_the_variant(card):
    pixel = weights("farmland-50-pixel", 0, 0.9)
    (one,) = catalogue.measured(replace(card, weights=(pixel,)))
    assert one.command.endswith("--protocol farmland-50 --variant pixel")


def test_what_a_card_takes(card):
    picky = replace(
        card,
        accepts=Accepts(
            bands=(4, 4), dates=(3, 30), quantities=("reflectance",), needs_wavelengths=True
        ),
    )
    facts = catalogue.takes(picky)
    assert facts[:2] == ["4 bands", "3 to 30 dates"]
    assert "reflectance" in facts and "the wavelength of every band" in facts


def test_options_that_do_not_fit_are_left_out(card):
    assert forms.checked(card.options, {"views": "3", "top_k": 99, "gone": 1}) == {
        **forms.defaults(card),
        "views": 3,
    }


def test_no_other_place_than_the_boundary_swallows_an_error():
    with pytest.raises(KeyboardInterrupt), errors.boundary():
        raise KeyboardInterrupt
    with errors.boundary("The part"):
        raise RsvizError("Said as written.")
    with errors.boundary("The part"):
        raise ZeroDivisionError


def test_times_over_length_become_series():
    rows = [
        {"name": "length/ours/1000", "value": 2.0, "unit": "ms", "baseline": "", "ratio": None},
        {
            "name": "length/mambapy_pscan/1000",
            "value": 9.0,
            "unit": "ms",
            "baseline": "",
            "ratio": None,
        },
        {"name": "length/ours/4096", "value": 8.0, "unit": "ms", "baseline": "", "ratio": None},
        {
            "name": "error forward",
            "value": 1e-7,
            "unit": "relative",
            "baseline": "target",
            "ratio": 9,
        },
    ]
    series, others = split_rows(rows)
    assert series == {
        "ours": ([1000.0, 4096.0], [0.002, 0.008]),
        "mambapy pscan": ([1000.0], [0.009]),
    }
    assert [row["name"] for row in others] == ["error forward"]


def test_both_counts_of_a_model_stand_beside_each_other_at_a_price_to_set():
    def page():
        from rsviz.core import registry
        from rsviz.views.costs import costs

        costs(registry.card("spike_sr"))
        costs(registry.card("mamba_moe"))  # has no record, shows nothing

    test = AppTest.from_function(page).run()
    assert not test.exception and len(test.subheader) == 1
    before = test.dataframe[0].value
    assert list(before["Parameters"][:2]) == [471_813, 899_229]
    honest = before.iloc[1]
    macs, accumulates = honest["Multiply-accumulate [G]"], honest["Accumulate alone [G]"]
    assert honest["Energy [mJ]"] == pytest.approx(macs * 4.6 + accumulates * 0.9)
    after = test.number_input("costs-ac").set_value(2.0).run().dataframe[0].value
    assert after["Energy [mJ]"][1] == pytest.approx(macs * 4.6 + accumulates * 2.0)
