"""Numbers with the digits they deserve, and foreign text that stays text."""

import re

import pytest

from rsviz.views import words


@pytest.mark.parametrize(
    "text",
    [
        "![x](http://elsewhere/pixel.png)",
        "<script>alert(1)</script>",
        "**bold** _it_ `code` $x^2$ :red[y] ~~z~~",
        "# heading",
        "- item",
        ":smile: :material/delete: :red[x] a:b",
        "a|b",
        "see http://elsewhere/x, WWW.elsewhere.org or someone@elsewhere.org",
    ],
)
def test_markdown_is_shown_letter_by_letter(text):
    escaped = words.plain(text)
    assert escaped.replace("\\", "").replace("\N{WORD JOINER}", "") == text
    assert not re.search(":[A-Za-z/]|www[.]|@[a-z]", escaped, re.IGNORECASE)
    for i, letter in enumerate(escaped):
        if letter in "!<>*_`$[]()#~|":
            assert escaped[i - 1] == "\\"


def test_line_breaks_and_control_characters_become_spaces():
    assert words.plain("a\n\n# b\x00\x1bc\r\n") == "a \\# b c"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.841, "0.84 s"), (2.11, "2.1 s"), (12.4, "12 s"), (185.0, "3 min 5 s")],
)
def test_seconds(value, text):
    assert words.seconds(value) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "1 byte"),
        (512, "512 bytes"),
        (1000, "1.0 kB"),
        (5_890_000, "5.9 MB"),
        (128e9, "128 GB"),
        (5e13, "50000 GB"),
    ],
)
def test_sizes(count, text):
    assert words.size(count) == text


def test_fractions_and_areas():
    assert words.percent(0.96319) == "96.3 %"
    assert words.percent_spread(0.9634, 0.0041) == "96.3 ± 0.4 %"
    assert words.area(1200, None) == "1 200 pixels"
    assert words.area(100, 0.04) == "4.00 ha"
    assert words.area(100_000, 0.04) == "4 000 ha"
