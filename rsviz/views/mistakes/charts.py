"""Charts that filter: the confusion matrix, and bars of every way to sort the test pixels."""

from __future__ import annotations

import numpy as np
import streamlit as st

from rsviz.analysis import judged
from rsviz.analysis.facets import CONFIDENT, WRONG, Filter, in_words
from rsviz.analysis.judged import VERDICTS
from rsviz.draw.verdicts import AGREEMENT_COLOURS, VERDICT_COLOURS
from rsviz.views import picks
from rsviz.views.mistakes import sides, spectra
from rsviz.views.mistakes.study import Study
from rsviz.views.palettes import MEASURED
from rsviz.views.state import Session
from rsviz.views.words import many, percent

CELLS = "errors-matrix"
BARS = ("verdict", "true", "edge", "size", "decile", "agreement", "difference")


def take_clicks(session: Session) -> None:
    """Put what was clicked in any chart since the last rerun into the filter."""
    place = picks.happened(CELLS)
    if len(place) == 2:
        true, predicted = place
        wanted = {"true": true, "predicted": predicted}
        session.filter = session.filter.toggled(wanted)
    for name in BARS:
        place = picks.happened(_key(name))
        if len(place) == 1 and place[0] >= 0:
            if name == "true":
                session.filter = session.filter.toggled({"true": place[0], "predicted": -1})
            else:
                session.filter = session.filter.toggled({name: place[0]})


def matrix(study: Study) -> None:
    """The confusion matrix of the test pixels under everything else that is chosen."""
    counts = judged.confusion(
        study.shown,
        study.but(("true", "predicted")),
    )
    picks.matrix(
        counts,
        study.shown.labels,
        study.colours,
        CELLS,
        (study.chosen.true, study.chosen.predicted),
        study.cell_of_picked,
    )


def confusion_panel(study: Study) -> None:
    """The matrix, and beside it verdicts and the spectra of what is lit."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        sides.choose(study)
        matrix(study)
    with right:
        verdicts(study)
        sides.confident(study.bench.session)
        spectra.panel(study)


def verdicts(study: Study) -> None:
    """How many pixels are right, wrong, and wrong and confident."""
    passing = study.but(("verdict",))
    codes = study.facets["verdict"].codes[passing]
    total = max(1, codes.size)
    counts = [int((codes == 0).sum()), int((codes >= WRONG).sum()), int((codes == CONFIDENT).sum())]
    items = [
        picks.Bar(
            name,
            count / total,
            f"{count:,} · {percent(count / total)}",
            colour,
            study.chosen.verdict == place,
        )
        for place, (name, count, colour) in enumerate(
            zip(VERDICTS, counts, VERDICT_COLOURS, strict=True)
        )
    ]
    picks.bars(items, _key("verdict"), "Verdict", "share of the test pixels")


def facet(study: Study, name: str, title: str, colours: tuple[str, ...] = ()) -> None:
    """Accuracy in each bin of a facet, or the share that is lit when the filter fixes verdicts."""
    counted = study.tally(name)
    bins = study.facets[name].bins
    places = [i for i in range(len(bins)) if counted.totals[i]]
    if name == "true":
        places.sort(key=lambda i: (counted.shares[i], i))
        if counted.of_lit:
            places.reverse()
    items = [
        picks.Bar(
            bins[i],
            float(counted.shares[i]),
            f"{percent(counted.shares[i])} of {counted.totals[i]:,}",
            colours[i] if colours else MEASURED,
            getattr(study.chosen, name) == i,
        )
        for i in places
    ]
    told = "share of pixels lit" if counted.of_lit else "share of pixels right"
    picks.bars(items, _key(name), title, told)


def shares(study: Study, name: str, title: str, colours: tuple[str, ...] = ()) -> None:
    """How the test pixels are spread over the bins of a facet."""
    passing = study.but((name,))
    bins = study.facets[name].bins
    counts = np.bincount(study.facets[name].codes[passing], minlength=len(bins))
    total = max(1, int(counts.sum()))
    items = [
        picks.Bar(
            bins[i],
            float(counts[i] / total),
            f"{counts[i]:,} · {percent(counts[i] / total)}",
            colours[i] if colours else MEASURED,
            getattr(study.chosen, name) == i,
        )
        for i in range(len(bins))
    ]
    picks.bars(items, _key(name), title, "share of the test pixels")


def conditions(study: Study) -> None:
    """Accuracy by class and by what may make a pixel hard."""
    sides.choose(study)
    left, right = st.columns(2, gap="large")
    with left:
        facet(study, "true", "By true class", study.colours)
    with right:
        facet(study, "edge", "By distance to the edge of the field")
        facet(study, "size", "By labelled pixels of the class")
        facet(study, "decile", "By how sure the model is")


def agreements(study: Study) -> None:
    """Who is right, and who is surer."""
    left, right = st.columns(2, gap="large")
    with left:
        shares(study, "agreement", "Who is right", AGREEMENT_COLOURS)
    with right:
        shares(study, "difference", "Who is surer of its class")


def chips(study: Study) -> None:
    """What filters, by name, each removed by one click; and how many pixels are lit."""
    session = study.bench.session
    count, total = int(study.lit.sum()), study.lit.size
    with st.container(horizontal=True, vertical_alignment="center", key="errors-chips"):
        if not study.filtered:
            st.caption(
                f"All {many(total, 'test pixel')} are lit. Choose a cell, a bar or a rectangle of "
                "the map: everything else follows.",
                width="stretch",
            )
            return
        st.markdown(f"**{many(count, 'pixel')} lit** of {total:,}", width="content")
        for label, names in in_words(study.chosen, study.facets).items():
            st.button(
                label,
                key=f"chip-{names[0]}",
                icon=":material/close:",
                help="Remove this filter",
                on_click=_release,
                args=(session, names),
            )
        if study.area is not None:
            st.button(
                "Inside the rectangle",
                key="chip-area",
                icon=":material/close:",
                on_click=session.draw,
                args=(None,),
            )
        st.button("Clear", key="chips-clear", type="tertiary", on_click=_clear, args=(session,))


def _release(session: Session, names: tuple[str, ...]) -> None:
    session.filter = session.filter.without(names)


def _clear(session: Session) -> None:
    session.filter = Filter()
    session.draw(None)


def _key(name: str) -> str:
    return f"errors-{name}-bars"
