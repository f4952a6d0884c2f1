"""Options: one declaration, checked from values and from text."""

from dataclasses import dataclass

import pytest

from rsviz.core.errors import BadOption
from rsviz.core.options import as_dict, build, declared, default_of, option


@dataclass(frozen=True)
class Settings:
    flag: bool = option(True, "Flag", "A switch.")
    count: int = option(3, "Count", "How many.", low=1, high=10)
    share: float = option(0.5, "Share", "How much.", low=0.0, high=1.0)
    mode: str = option("scene", "Mode", "Which way.", choices=("scene", "pixel"))


def test_defaults_and_declaration():
    assert as_dict(build(Settings, {})) == {
        "flag": True,
        "count": 3,
        "share": 0.5,
        "mode": "scene",
    }
    assert [(f.name, kind, default_of(f)) for f, kind in declared(Settings)] == [
        ("flag", bool, True),
        ("count", int, 3),
        ("share", float, 0.5),
        ("mode", str, "scene"),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ({"flag": "no"}, False),
        ({"flag": "True"}, True),
        ({"flag": False}, False),
        ({"count": "7"}, 7),
        ({"count": 7.0}, 7),
        ({"share": "0.25"}, 0.25),
        ({"share": 1}, 1.0),
        ({"mode": "pixel"}, "pixel"),
    ],
)
def test_text_becomes_the_declared_type(text, value):
    ((name, _),) = text.items()
    found = getattr(build(Settings, text), name)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"colour": "red"}, "no option 'colour'.*flag, count, share, mode"),
        ({"flag": "perhaps"}, "not of type bool"),
        ({"count": "many"}, "not of type int"),
        ({"count": 2.5}, "not of type int"),
        ({"count": 11}, "outside 1"),
        ({"share": "-0.1"}, "outside 0"),
        ({"share": "nan"}, "outside 0"),
        ({"mode": "both"}, "scene, pixel"),
        ({"count": None}, "not of type int"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(wrong, says):
    with pytest.raises(BadOption, match=says):
        build(Settings, wrong)
