"""Lines and arrows on the map, in a real browser."""

import ast

import pytest
from playwright.sync_api import expect
from test_map_component import choose, open_map, place

__all__ = ["open_map"]  # a fixture


@pytest.mark.parametrize("scene", ["utm", "plain"])
def test_a_drawn_line_comes_back_in_pixels_of_the_scene(open_map, scene):
    page = open_map(scene)
    expect(page.get_by_role("button", name="Draw a line across an edge")).not_to_be_visible()
    choose(page, "lining", "lines")
    page.get_by_role("button", name="Draw a line across an edge").click()
    page.mouse.move(*place(page, scene, 30, 40))
    page.mouse.down()
    page.mouse.move(*place(page, scene, 50, 90), steps=4)
    page.mouse.move(*place(page, scene, 70, 120), steps=4)
    page.mouse.up()
    told = page.get_by_test_id("stText").get_by_text("line [(")
    start, end = ast.literal_eval(told.inner_text().removeprefix("line "))
    assert start == pytest.approx((30.5, 40.5), abs=0.4)
    assert end == pytest.approx((70.5, 120.5), abs=0.4)
    page.get_by_test_id("stText").get_by_text("picked None", exact=True).wait_for()
    pressed = page.get_by_role("button", name="Draw a line across an edge")
    assert pressed.get_attribute("aria-pressed") == "false"


def test_an_arrow_has_its_label_at_its_end(open_map):
    page = open_map("plain")
    choose(page, "lining", "lines")
    label = page.locator(".stroke-label")
    label.wait_for()
    expect(label).to_have_text("0.93")
    at = label.bounding_box()
    x, y = place(page, "plain", 19.5, 59.5)
    assert at["x"] < x < at["x"] + at["width"] and at["y"] < y < at["y"] + at["height"] + 25
    assert page.locator("path.mark.picked").count() >= 1
