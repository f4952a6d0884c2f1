"""A run that shows its map before it is done: drawn, said to be unfinished, and not scored."""

from test_pages import check, text_of

from rsviz.jobs.job import JobState
from rsviz.views import address

QUESTION = {"scene": "farmland", "model": "mamba_moe"}


def test_an_unfinished_map_is_drawn_and_not_scored(open_page, scripted):
    half = JobState("running", 1, 2, "reading every 2nd pixel", partials=1)
    executor = scripted(half)
    test = check(open_page("classify", **QUESTION), "classify")
    assert "Unfinished" in text_of(test)
    assert "test pixel" not in text_of(test) and "OA " not in text_of(test)
    assert not any(b.key == "export-make" for b in test.button)
    assert not test.tabs
    assert any(s.key == "least-certain" for s in test.slider)

    executor.states = [JobState("done", 2, 2)]
    check(test.run(), "classify")
    assert "Unfinished" not in text_of(test)
    assert "**OA 96.3" in text_of(test)
    assert test.tabs


def test_a_newer_map_draws_the_page_again(open_page, scripted):
    states = [JobState("running", n, 3, "reading", partials=n) for n in (1, 2)]
    scripted(*states, JobState("done", 3, 3))
    test = check(open_page("classify", **QUESTION), "classify")
    assert "**OA 96.3" in text_of(test)
    assert test.session_state[address.KEY].scene == "farmland"


def test_a_run_under_way_without_a_map_shows_the_scene_alone(open_page, scripted):
    scripted(JobState("running", 1, 2, "reading"))
    test = check(open_page("classify", **QUESTION), "classify")
    assert "Unfinished" not in text_of(test)
    assert not any(s.key == "least-certain" for s in test.slider)
