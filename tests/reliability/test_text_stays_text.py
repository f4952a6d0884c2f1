"""No code of ours makes markup of data: checked by reading all of it."""

import re
from pathlib import Path

import pytest

from rsviz.views.charts.base import literal
from rsviz.views.words import plain

ROOT = Path(__file__).resolve().parents[2]
VIEWS = ROOT / "rsviz" / "views"
PYTHON = [*VIEWS.rglob("*.py"), *(ROOT / "pages").glob("*.py"), ROOT / "app.py"]
SCRIPTS = sorted(VIEWS.rglob("*.js"))
WAYS = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function")


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
def test_pages_make_no_html(path):
    text = path.read_text(encoding="utf8")
    for way in ("unsafe_allow_html", "unsafe_allow_javascript", "components.html", "iframe("):
        assert way not in text
    assert set(re.findall(r"st\.html\((.*?)\)", text)) <= {"STYLE"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_components_make_no_html(path):
    text = path.read_text(encoding="utf8")
    assert [way for way in WAYS if way in text] == []


def test_markup_is_shown_letter_by_letter():
    for payload in ("<img src=x onerror=1>", "[a](b)", "**b**", "`c`", "$x$", ":red[x]", "# h"):
        assert not re.search(r"(?<!\\)[<\[*`$#]", plain(payload))
    assert literal("<b>x</b>&") == "&lt;b&gt;x&lt;/b&gt;&amp;"
