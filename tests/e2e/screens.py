"""Screenshots of every page in both themes at both sizes: `make screens`, then look at them.

Only the project's own samples and Indian Pines are shown; the pictures go to build/screens.
"""

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from serving import CHROMIUM, FLAGS, ROOT, start_server

OUT = ROOT / "build" / "screens"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
THEMES = ("light", "dark")
PINES = "scene=indian-pines&model=mamba_moe&pixel=57,42&pin=20,60"
SHARPER = "scene=village&model=spike_sr&before=degrade:scale%3D4&pixel=60,70"
VIEWS = {
    "scene": "?scene=farmland&pixel=40,60&pin=100,90",
    "scene-pines": "?scene=indian-pines&pixel=57,42",
    "classify": f"classify?{PINES}",
    "classify-farmland": "classify?scene=farmland&model=mamba_moe&pixel=40,60&pin=100,90",
    "internals": f"internals?{PINES}",
    "time_series": "time_series?scene=simulated-year&model=sits_mamba&pixel=40,40",
    "temperature": "temperature?scene=thermal&model=lst_coupled&pixel=60,80",
    "super_resolve": f"super_resolve?{SHARPER}",
    "spikes": f"internals?{SHARPER}",
    "errors": f"errors?{PINES}&filter=true%3D1&filter=predicted%3D10",
    "errors-pair": f"errors?{PINES}&against=mamba_moe&against-weights=indian-pines-50/seed-1",
    "train": "train?scene=farmland",
    "catalogue": "catalogue",
}
PARTS = {
    "classify": ("Accuracy", "How sure", "This run"),
    "internals": ("Contribution", "Scan", "Uncertainty", "Heads", "Training"),
    "errors": ("Conditions", "Worst regions", "Why"),
    "scene": ("Spectra", "Rectangle", "File"),
    "time_series": ("Dates", "Why this crop", "Reconstruction", "Inside", "Areas"),
    "temperature": ("By class", "Error and humidity", "Around the world", "The air"),
    "super_resolve": ("Side by side", "Sharpness", "Detail", "Uncertainty", "This run"),
    "spikes": ("Membrane", "Attention", "Partner", "Steps", "Energy"),
}
"""Tabs or topics of a view that are opened one after the other."""
RUN_MS = 240_000


def main() -> None:
    """Start a server, warm it with one run, and take all pictures."""
    OUT.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        cache = os.environ.get("RSVIZ_CACHE", folder)
        env = {"RSVIZ_CACHE": cache, "RSVIZ_DATA": ""}
        server, url = start_server(ROOT / "rsviz/views/server.py", Path(folder) / "server.log", env)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            for theme in THEMES:
                for size_name, (width, height) in SIZES.items():
                    context = browser.new_context(
                        viewport={"width": width, "height": height}, color_scheme=theme
                    )
                    for name, address in VIEWS.items():
                        if not wanted or name in wanted:
                            page = context.new_page()
                            _take(page, f"{url}/{address}", name, f"{theme}-{size_name}")
                            page.close()
                    context.close()
        finally:
            browser.close()
            server.terminate()
            server.wait(20)


def _take(page: Page, url: str, name: str, how: str) -> None:
    """The page as it comes, then whole, then with each tab or topic open."""
    page.goto(url)
    settle(page)
    page.screenshot(path=OUT / f"{name}-{how}.png")
    extra = PARTS.get(name, ())
    _whole(page, f"{name}-{how}-whole")
    for part in extra:
        page.get_by_text(part, exact=True).first.click()
        settle(page)
        _whole(page, f"{name}-{how}-{part.lower().replace(' ', '-')}")


def _whole(page: Page, name: str) -> None:
    """A picture as tall as the page's content."""
    size = page.viewport_size
    assert size is not None
    tall = page.evaluate(
        "document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight + 40"
    )
    page.set_viewport_size({"width": size["width"], "height": max(size["height"], tall)})
    page.wait_for_timeout(700)
    page.screenshot(path=OUT / f"{name}.png")
    page.set_viewport_size(size)


def settle(page: Page) -> None:
    """Wait until the script has run, no run of a model is under way, and charts are drawn."""
    page.wait_for_selector("h1")
    page.wait_for_timeout(1200)
    cancel = page.get_by_role("button", name="Cancel")
    if cancel.count():
        cancel.first.wait_for(state="detached", timeout=RUN_MS)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.wait_for_timeout(1500)


if __name__ == "__main__":
    main()
