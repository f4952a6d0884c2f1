"""Spikes on the map in a real browser: the player, a click into a neuron, the partner's arrow."""

import re

import pytest
from playwright.sync_api import expect
from test_app import click_map, map_drawn
from test_super_resolve_page import FIRST_MS, PATIENCE_MS, address

__all__ = ["address"]  # a fixture


@pytest.fixture
def inside(visit, address):
    """The page of internals, answered by the toy that fires."""
    page = visit(address.replace("super_resolve", "internals").replace("=sharpen", "=spark"))
    page.set_default_timeout(PATIENCE_MS)
    page.get_by_text("Membrane", exact=True).first.wait_for(timeout=FIRST_MS)
    map_drawn(page)
    return page


def film(page):
    """The picture that the player shows."""
    return page.get_by_alt_text("Spikes", exact=True).first


def test_the_player_steps_through_the_spikes(inside):
    steps = inside.get_by_role("group", name="Steps")
    label = steps.locator("output")
    expect(label).to_have_text(re.compile(r"^t = 1 · \d+\.\d % fire$"), timeout=PATIENCE_MS)
    first = film(inside).get_attribute("src")
    steps.get_by_role("button", name="One step on").click()
    expect(label).to_have_text(re.compile("^t = 2"))
    expect(film(inside)).not_to_have_attribute("src", first)
    steps.get_by_role("slider", name="Step").focus()
    inside.keyboard.press("End")
    expect(label).to_have_text(re.compile("^t = 3"))


def test_a_click_looks_into_the_neurons_of_that_pixel(inside):
    inside.get_by_text("Membrane", exact=True).first.click()
    inside.get_by_text("Click a pixel on the map to look into its neurons.").wait_for()
    click_map(inside, 0.4, 0.5)
    told = inside.get_by_text(re.compile(r"Membranes at row \d+, column \d+"))
    told.first.wait_for(timeout=2 * PATIENCE_MS)
    inside.get_by_text("Threshold; ★ fires").wait_for()


def test_the_partner_is_an_arrow_with_its_similarity(inside):
    click_map(inside, 0.6, 0.7)
    inside.get_by_text("Partner", exact=True).first.click()
    inside.locator(".stroke-label").wait_for(timeout=2 * PATIENCE_MS)
    expect(inside.locator(".stroke-label")).to_have_text("similarity 0.75")
    expect(inside.locator(".rsviz-map path.mark.pinned")).to_have_count(1)
