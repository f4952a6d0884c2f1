"""Each page alone, through the app, by a cold deep link, without a scene, with an unsuitable one;
and what is particular to it."""

import ast

import numpy as np
import pytest
from stand_ins import ROOT, SECONDS
from streamlit.testing.v1 import AppTest

from rsviz.core.errors import ModelFailed, RsvizError, SceneTooLarge
from rsviz.core.grid import Window
from rsviz.jobs.job import JobState
from rsviz.views import address, chooser, shell, state

TITLES = {
    "scene": "What is in this file?",
    "classify": "What is on the ground, and how sure?",
    "internals": "What happened inside?",
    "errors": "Where is it wrong, and why?",
    "time_series": "What grew here over the year?",
    "train": "What can it learn from a handful of pixels?",
    "super_resolve": "Can it be sharper?",
    "temperature": "How hot was the ground?",
    "catalogue": "Which models are here, and how good are they?",
}
WITH_SCENE = ("scene", "classify", "internals", "errors", "time_series", "train", "super_resolve")
WITH_MODEL = ("classify", "internals", "errors")


def check(test: AppTest, page: str) -> AppTest:
    """The page is whole: its title, no error, no exception."""
    assert not test.exception
    assert [error.value for error in test.error] == []
    assert [title.value for title in test.title] == [TITLES[page]]
    return test


def text_of(test: AppTest) -> str:
    """All words in the body of a page."""
    return "\n".join(
        part.value for part in [*test.markdown, *test.caption, *test.info, *test.warning]
    )


def button(test: AppTest, key: str):
    return next(b for b in test.button if b.key == key)


def test_the_app_lists_every_page_in_the_folder():
    tree = ast.parse((ROOT / "app.py").read_text())
    calls = [
        n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "st.Page"
    ]
    listed = {call.args[0].value for call in calls}
    assert listed == {f"pages/{path.name}" for path in (ROOT / "pages").glob("*.py")}
    assert set(TITLES) == {path.stem for path in (ROOT / "pages").glob("*.py")}


@pytest.mark.parametrize("page", TITLES)
def test_alone(open_page, answering, page):
    check(open_page(page, scene="farmland"), page)


@pytest.mark.parametrize("page", TITLES)
def test_through_the_app(open_app, answering, page):
    test = open_app()
    check(test, "scene")
    check(test.switch_page(f"pages/{page}.py").run(), page)


@pytest.mark.parametrize("page", TITLES)
def test_cold_deep_link(answering, page):
    """On a fresh server Streamlit runs the page without app.py: the page goes through it once."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
    test.switch_page(f"pages/{page}.py")
    test.query_params["scene"] = "farmland"
    check(test.run(), page)
    assert test.session_state[shell.ROUTED]
    assert test.session_state[address.KEY].scene == "farmland"


@pytest.mark.parametrize("page", WITH_SCENE)
def test_empty(open_page, answering, page):
    test = AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=SECONDS)
    test.session_state[shell.ROUTED] = True
    test.session_state[address.KEY] = state.Session()
    test.session_state[chooser.STARTED] = True
    check(test.run(), page)
    assert "No scene is open" in text_of(test)
    button(test, "open-first").click().run()
    check(test, page)
    assert test.session_state[address.KEY].scene == "indian-pines"


def test_a_fresh_visit_opens_indian_pines(open_page, answering):
    test = check(open_page("scene"), "scene")
    assert test.session_state[address.KEY].scene == "indian-pines"


def test_empty_catalogue(open_page, answering, monkeypatch):
    monkeypatch.setattr("rsviz.core.registry.cards", dict)
    test = check(open_page("catalogue"), "catalogue")
    assert "No model is installed" in text_of(test)


@pytest.fixture
def grey_scene(tmp_path):
    """A file with one band and no wavelengths, which no model here takes."""
    path = tmp_path / "grey.npy"
    np.save(path, np.random.default_rng(0).random((24, 20), np.float32))
    return str(path)


@pytest.mark.parametrize("page", WITH_MODEL)
def test_unsuitable_scene(open_page, answering, grey_scene, page):
    test = check(open_page(page, scene=grey_scene), page)
    assert "It takes 3 to 1024 bands; the scene has 1" in text_of(test).replace("\\", "")
    button(test, "open-farmland").click().run()
    check(test, page)
    assert test.session_state[address.KEY].scene == "farmland"


def test_one_band_is_looked_at_in_grey(open_page, answering, grey_scene):
    test = check(open_page("scene", scene=grey_scene), "scene")
    assert test.session_state[address.KEY].look.bands == (0,)


def test_a_file_that_cannot_be_read_is_refused_in_words(open_page, answering, tmp_path):
    path = tmp_path / "broken.tif"
    path.write_bytes(b"II*\0" + bytes(40))
    test = open_page("scene", scene=str(path))
    assert not test.exception
    (error,) = test.error
    assert "Traceback" not in error.value and len(error.value) > 20
    assert button(test, "open-first")


def test_a_fault_of_ours_becomes_a_reference(open_page, answering, monkeypatch):
    def broken(*_args):
        raise KeyError("secret detail")

    monkeypatch.setattr("rsviz.views.inspector.header", broken)
    test = open_page("scene", scene="farmland")
    (error,) = test.error
    assert "reference" in error.value and "secret" not in error.value
    assert [title.value for title in test.title] == [TITLES["scene"]]
    assert test.tabs  # the rest of the page still works


def test_spectra_are_kept_named_and_removed(open_page, answering):
    test = check(open_page("scene", scene="farmland", pixel="10,20"), "scene")
    button(test, "keep").click().run()
    session = test.session_state[address.KEY]
    assert [(kept.row, kept.col) for kept in session.collected] == [(10, 20)]
    session.picked = (11, 21)
    button(test.run(), "keep").click().run()
    test.session_state["scene-tabs"] = "Spectra"
    test.run()
    test.text_input("kept-10-20-name").set_value("wheat").run()
    assert session.collected[0].name == "wheat"
    assert session.collected[0].colour != session.collected[1].colour
    button(test, "kept-10-20-remove").click().run()
    assert [(kept.row, kept.col) for kept in session.collected] == [(11, 21)]
    check(test, "scene")


def test_bands_and_stretch(open_page, answering):
    test = check(open_page("scene", scene="farmland"), "scene")
    session = test.session_state[address.KEY]
    true_colour = session.look.bands
    test.button_group("look-preset").set_value("Infrared").run()
    assert session.look.bands != true_colour and session.look.limits is None
    test.slider("look-limits-0").set_value((0.05, 0.3)).run()
    assert session.look.limits is not None
    assert session.look.limits[0] == pytest.approx((0.05, 0.3), abs=0.01)
    button(test, "look-reset").click().run()
    assert session.look.limits is None
    check(test, "scene")


def test_classify_runs_and_answers(open_page, answering):
    test = check(open_page("classify", scene="farmland", pixel="10,20"), "classify")
    assert "MambaMoE" in button(test, "main-run").label
    button(test, "main-run").click().run()
    (job,) = answering.submitted
    assert (job.scene_ref, job.model, job.weights) == (
        "farmland",
        "mamba_moe",
        "farmland-50/seed-0",
    )
    check(test, "classify")
    assert "OA 96.3 %" in text_of(test)
    assert "All pixels are shown" in text_of(test)
    test.slider("least-certain").set_value(0.3).run()
    check(test, "classify")
    assert "of the pixels stay; of" in text_of(test)


@pytest.mark.parametrize("tab", ["Areas", "Accuracy", "How sure", "This run"])
def test_classify_tabs(open_page, answering, tab):
    test = open_page("classify", scene="farmland", model="mamba_moe")
    test.session_state["classify-tabs"] = tab
    check(test.run(), "classify")


def test_the_address_starts_the_run_and_keeps_the_view(open_page, answering):
    test = check(
        open_page("classify", scene="farmland", model="mamba_moe", set="views=2"), "classify"
    )
    (job,) = answering.submitted
    assert job.options["views"] == 2
    assert test.query_params["set"] == "views=2"
    assert test.query_params["scene"] == "farmland"
    test.slider("mamba_moe-views").set_value(4).run()
    assert "set" not in test.query_params  # the default needs no mention


def test_progress_queue_and_cancel(open_page, scripted):
    executor = scripted(
        *[JobState("queued", position=2)] * 4,
        JobState("running", 1, 4, "reading", seconds=2.0, seconds_left=6.0),
    )
    test = check(open_page("classify", scene="farmland", model="mamba_moe"), "classify")
    for _ in range(4):
        test.run()
    assert button(test, "side-run").disabled
    button(test, "cancel").click().run()
    assert executor.cancelled == ["run-1"]
    test.run()
    assert "was cancelled" in text_of(test)
    assert not button(test, "side-run").disabled


def test_a_failed_run_says_why(open_page, scripted):
    scripted(JobState("failed", error=ModelFailed("The worker ended.", "Run it again.")))
    test = open_page("classify", scene="farmland", model="mamba_moe")
    assert [error.value for error in test.error] == ["The worker ended.  \nRun it again."]
    assert button(test, "main-run")


def test_a_device_can_be_chosen(open_page, answering):
    test = check(open_page("classify", scene="farmland"), "classify")
    assert test.selectbox("device").options == ["Automatic", "CPU", "NVIDIA H100, 71.2 GB free"]
    test.selectbox("device").set_value("cuda:0").run()
    button(test, "main-run").click().run()
    assert answering.submitted[0].device == "cuda:0"


@pytest.mark.parametrize(
    "topic", ["Routing", "Contribution", "Scan", "Uncertainty", "Heads", "Training"]
)
def test_internals_by_topic(open_page, answering, topic):
    test = check(
        open_page("internals", scene="farmland", model="mamba_moe", pixel="9,9"), "internals"
    )
    test.button_group("topic").set_value(topic).run()
    check(test, "internals")
    assert test.session_state[address.KEY].chosen["topic"] == topic


def test_one_run_serves_both_pages(open_app, answering):
    test = open_app()
    test.session_state[address.KEY].open("farmland")
    test.switch_page("pages/classify.py").run()
    button(test, "main-run").click().run()
    test.switch_page("pages/internals.py").run()
    check(test, "internals")
    assert len(answering.submitted) == 1
    assert test.button_group("topic")


def test_catalogue_keeps_measured_and_published_apart(open_page, answering):
    test = check(open_page("catalogue"), "catalogue")
    table = next(frame.value for frame in test.dataframe if "Split" in frame.value.columns)
    assert list(table["OA [%]"]) == ["90.00"] and list(table["Split"]) == ["random"]
    assert ":gray[" in text_of(test)
    assert any("rsviz eval mamba_moe" in code.value for code in test.code)


def test_diagnostics_name_no_file_of_the_visitor(open_page, answering):
    test = open_page("scene", scene="farmland")
    test.session_state[address.KEY].upload = True
    test.run()
    (report,) = [code.value for code in test.code]
    assert "an uploaded file" in report and "farmland" not in report


def test_a_run_that_the_server_forgot_can_be_asked_again(open_page, answering, monkeypatch):
    test = open_page("classify", scene="farmland", model="mamba_moe")
    assert "OA 96.3 %" in text_of(test)

    def unknown(run_id):
        raise RsvizError("This run is not known any more.")

    monkeypatch.setattr(answering, "events", unknown)
    check(test.run(), "classify")
    assert button(test, "main-run")
    assert not test.session_state[address.KEY].jobs


def test_a_filter_is_named_and_removed_with_one_click(open_page, answering):
    test = open_page("classify", scene="farmland", model="mamba_moe")
    test.slider("least-certain").set_value(0.3).run()
    assert button(test, "least-certain-chip").label == "Below 0.30 hidden"
    button(test, "least-certain-chip").click().run()
    check(test, "classify")
    assert test.session_state[address.KEY].least_certain == 0.0


def test_an_error_inside_a_rerun_of_a_part_is_said_as_written(open_page, answering, monkeypatch):
    test = check(open_page("scene", scene="farmland"), "scene")

    def refuses(*_args):
        raise SceneTooLarge("The rectangle holds too much.", "Draw a smaller one.")

    monkeypatch.setattr("rsviz.views.clients.rectangle", refuses)
    test.session_state[address.KEY].rectangle = Window(0, 0, 4, 4)
    test.run()
    assert [error.value for error in test.error] == [
        "The rectangle holds too much.  \nDraw a smaller one."
    ]


def test_start_over_is_a_first_visit(open_app, answering):
    test = open_app()
    test.session_state[address.KEY].open("farmland")
    check(test.run(), "scene")
    button(test, "start-over").click().run()
    check(test, "scene")
    assert test.session_state[address.KEY].scene == "indian-pines"
