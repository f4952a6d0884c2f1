"""The page of surface temperature: alone, by the app, by deep link, empty, unsuitable."""

import pytest
from stand_ins import FakeExecutor
from streamlit.testing.v1 import AppTest

from rsviz.core import registry
from rsviz.core.run import Ask, run
from rsviz.io import catalog
from rsviz.views import clients
from rsviz.views.warmth import given

HEADING = "How hot was the ground?"


@pytest.fixture(scope="module")
def answer():
    source = catalog.open_scene("thermal")
    try:
        scene = source.read()
    finally:
        source.close()
    card = registry.card("lst_coupled")
    return run(scene, Ask(card.id, wants=tuple(card.on_request), scene_ref="thermal"))


@pytest.fixture
def answering(answer, monkeypatch):
    executor = FakeExecutor(answer)
    monkeypatch.setattr(clients, "executor", lambda: executor)
    return executor


def texts(page: AppTest) -> str:
    parts = (*page.markdown, *page.caption, *page.info, *page.warning, *page.error)
    return "\n".join(part.value for part in parts)


def test_without_a_scene_it_says_what_to_do(open_page, monkeypatch):
    page = open_page("temperature")
    assert not page.exception
    assert any(HEADING in title.value for title in page.title)


def test_a_deep_link_gives_maps_and_the_pixel(open_page, answering, answer):
    page = open_page("temperature", scene="thermal", model="lst_coupled", pixel="60,80")
    assert not page.exception
    said = texts(page)
    assert "RMSE here" in said
    kelvin = float(answer.layers["temperature"].data[60, 80])
    assert f"**{kelvin:.1f} ±" in said
    shown = next(s for s in page.selectbox if s.label == "Map")
    assert "Coupled model" in shown.options
    assert "Transmittance" in shown.options
    labels = [s.label for s in page.slider]
    assert {"Emissivity", "Water vapour [g/cm²]", "Air temperature [K]"} <= set(labels)


def test_sliders_answer_without_a_run(open_page, answering):
    page = open_page("temperature", scene="thermal", model="lst_coupled", pixel="60,80")
    before = [m.value for m in page.metric]
    submitted = len(answering.submitted)
    slider = next(s for s in page.slider if s.label == "Water vapour [g/cm²]")
    page = slider.set_value(slider.value + 1.0).run()
    after = [m.value for m in page.metric]
    assert not page.exception
    assert len(after) == len(before) == 3
    assert after != before
    assert len(answering.submitted) == submitted


def test_celsius_is_273_15_less(open_page, answering, answer):
    page = open_page("temperature", scene="thermal", model="lst_coupled", pixel="60,80")
    unit = next(c for c in page.segmented_control if c.label == "Temperatures in")
    page = unit.set_value("°C").run()
    celsius = float(answer.layers["temperature"].data[60, 80]) - given.ZERO_K
    assert f"**{celsius:.1f} ±" in texts(page)


def test_differences_between_methods_and_to_the_truth(open_page, answering):
    page = open_page("temperature", scene="thermal", model="lst_coupled")
    minus = next(s for s in page.selectbox if s.label == "minus")
    assert {"Truth", "Mono-window"} <= set(minus.options)
    page = minus.set_value("truth").run()
    assert not page.exception
    assert not page.error


def test_an_unsuitable_scene_is_refused_in_sentences(open_page):
    page = open_page("temperature", scene="farmland")
    assert not page.exception
    assert "thermal" in texts(page)
    assert not [b for b in page.button if b.label.startswith("Run Coupled")]


def test_what_is_missing_is_asked_for_and_nothing_runs_before(open_page, tmp_path, monkeypatch):
    import rasterio

    with rasterio.open(catalog.SAMPLES / "thermal.tif") as source:
        profile = source.profile | {"count": 3}
        data, tags = source.read([1, 2, 3]), source.tags()
        bands = [source.tags(i) for i in (1, 2, 3)]
        names, scales = source.descriptions[:3], source.scales[:3]
    path = tmp_path / "bare.tif"
    with rasterio.open(path, "w", **profile) as target:
        target.write(data)
        target.update_tags(**tags)
        target.scales = scales
        for i, (name, tag) in enumerate(zip(names, bands, strict=True), start=1):
            target.set_band_description(i, name)
            target.update_tags(i, **tag)
    page = open_page("temperature", scene=str(path))
    assert not page.exception
    assert "Water vapour and air temperature" in texts(page)
    assert not [b for b in page.button if b.key == "main-run"]
    water, warm = (
        next(n for n in page.number_input if n.label.startswith(label))
        for label in ("Water vapour", "Air temperature")
    )
    page = water.set_value(3.0).run()
    assert "Air temperature" in texts(page)
    warm = next(n for n in page.number_input if n.label.startswith("Air temperature"))
    page = warm.set_value(300.0).run()
    assert not page.info
    assert [b for b in page.button if b.label == "Run Coupled LST"]
