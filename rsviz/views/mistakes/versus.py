"""The second result, B: another model, weights or settings, or A again on changed spectra."""

from __future__ import annotations

import streamlit as st

from rsviz.analysis.facets import SAYS_WHO_IS_RIGHT
from rsviz.analysis.paired import McNemar, mcnemar
from rsviz.core import registry
from rsviz.core.card import ModelCard
from rsviz.core.changes import CHANGES
from rsviz.core.model import Change
from rsviz.core.scene import Description
from rsviz.views import ask, forms
from rsviz.views.mistakes import charts
from rsviz.views.mistakes.sides import title_of
from rsviz.views.mistakes.study import Study
from rsviz.views.state import Session, bind
from rsviz.views.words import many, percent

KINDS = {"": "Nothing", "run": "Another run", "changed": "Changed spectra"}
SPECTRAL = ("drop_bands", "jitter_bands", "noise", "illumination", "shift_wavelengths")
LAST = "second-asked"
OUTCOMES = (*SAYS_WHO_IS_RIGHT, "decile", "difference")  # a test on these would test the choice


def panel(session: Session, about: Description, question: ask.Question) -> ask.Question | None:
    """Choose what A is compared with (in the sidebar)."""
    second = session.second
    if second.kind not in KINDS:
        second.kind = ""

    def chosen(kind: str) -> None:
        second.kind = kind

    st.segmented_control(
        "Compare with",
        list(KINDS),
        required=True,
        format_func=lambda kind: KINDS[kind],
        key="second-kind",
        on_change=bind("second-kind", second.kind, chosen),
        help="A is the model above. B is another model, other weights or settings; or the same "
        "model on spectra that are changed on purpose.",
    )
    if second.kind == "run":
        return _run(session, about, question)
    if second.kind == "changed":
        return _changed(session, question)
    return None


def _run(session: Session, about: Description, question: ask.Question) -> ask.Question:
    """Another run on the same scene."""
    second = session.second
    fitting = {card.id: card for card in registry.emitting("class_map") if not card.why_not(about)}
    if second.model not in fitting:
        second.model, second.weights = _another(fitting, question), ""

    def chosen(name: str) -> None:
        second.model, second.weights = name, ""

    st.selectbox(
        "Model B",
        list(fitting),
        format_func=lambda name: fitting[name].title,
        key="second-model",
        on_change=bind("second-model", second.model, chosen),
    )
    card = fitting[second.model]
    weights = ask.choose_weights(session, second, card, about, "second-weights")
    with st.expander("Settings of B", key="second-settings"):
        values = second.options.setdefault(card.id, {})
        forms.options_form(f"second-{card.id}", card.options, values)
    return ask.of(session, second, card, weights, ask.affordable(about))


def _another(fitting: dict[str, ModelCard], question: ask.Question) -> str:
    """Another model than A when there is one."""
    others = [name for name in fitting if name != question.card.id]
    return (others or list(fitting))[0]


def _changed(session: Session, question: ask.Question) -> ask.Question | None:
    """A again, on changed spectra; None before a change is chosen."""
    second = session.second
    kinds = {name: CHANGES[name] for name in SPECTRAL if name in CHANGES}

    def chosen(names: list[str]) -> None:
        second.changes = {name: second.changes.get(name, {}) for name in names}

    st.pills(
        "Changes",
        list(kinds),
        selection_mode="multi",
        format_func=lambda name: kinds[name].title,
        key="second-changes",
        on_change=bind("second-changes", [n for n in second.changes if n in kinds], chosen),
    )
    for name, values in second.changes.items():
        if name in kinds:
            st.caption(f"**{kinds[name].title}.** {kinds[name].about}")
            forms.options_form(f"second-{name}", kinds[name].options, values)
    changes = tuple(
        Change(name, forms.checked(kinds[name].options, values))
        for name, values in second.changes.items()
        if name in kinds
    )
    if not changes:
        st.caption("Choose how the spectra change; the map and the scores follow.")
        return None
    model = question.card
    return ask.of(session, session, model, question.job.weights, False, changes)


def state(session: Session, second: ask.Question | None) -> None:
    """Start B where it costs little, and say how it is doing; what changed on the way is cancelled.

    Call it before the parts of the page that show B.
    """
    if second is None:
        return
    before: ask.Question | None = st.session_state.get(LAST)
    if before is not None and before != second:
        ask.withdraw(session, before)
    st.session_state[LAST] = second
    if ask.answer(session, second) is None and not ask.asked(session, second):
        ask.submit(session, second)
    if ask.waiting(session, second, "second-cancel"):
        return
    if ask.answer(session, second) is None:
        with st.sidebar:
            ask.run_button(session, second, "side-run-second")


def comparison(study: Study) -> None:
    """Scores, McNemar's test and who is right where; or how to get there."""
    if study.b is None:
        st.markdown(
            "Choose at the left what to compare with: another model, another seed, other settings, "
            "or the same model on changed spectra. The map then shows who is right where."
        )
        return
    scores(study)
    charts.agreements(study)


def scores(study: Study) -> None:
    """McNemar's test in words, beside both accuracies on the shared test pixels."""
    assert study.b is not None and study.second is not None
    fair = study.but(OUTCOMES)
    found = mcnemar(study.a.right[fair], study.b.right[fair])
    count = found.both + found.only_a + found.only_b + found.neither
    where = "shared test pixels" if fair.all() else f"{count:,} of the shared test pixels chosen"
    columns = st.columns(4)
    for column, (label, value, note) in zip(
        columns,
        (
            ("A right", _share(found.both + found.only_a, count), _title(study, "A")),
            ("B right", _share(found.both + found.only_b, count), _title(study, "B")),
            ("Only A right", f"{found.only_a:,}", f"of {many(count, 'pixel')}"),
            ("Only B right", f"{found.only_b:,}", f"of {many(count, 'pixel')}"),
        ),
        strict=True,
    ):
        column.metric(label, value, help=note)
    st.markdown(verdict(found, where))


def verdict(found: McNemar, where: str) -> str:
    """What McNemar's test says, in one sentence."""
    differing = found.only_a + found.only_b
    if not differing:
        return f"A and B are right and wrong together on the {where}."
    better = "A" if found.only_a > found.only_b else "B"
    chance = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.3f}"
    test = "exact" if found.exact else f"χ² = {found.statistic:.1f}"
    said = (
        f"**{better} is better by more than chance**"
        if found.p < 0.05
        else "**The difference may be chance**"
    )
    return (
        f"{said} on the {where}: of {many(differing, 'pixel')} where one is right and the other "
        f"wrong, A has {found.only_a:,} and B {found.only_b:,} right (McNemar, {test}, "
        f"{chance}). Neighbouring pixels are alike, so the true p is larger than this."
    )


def _title(study: Study, side: str) -> str:
    answer = study.first if side == "A" else study.second
    assert answer is not None
    return title_of(answer.result.record)


def _share(part: int, count: int) -> str:
    return percent(part / count) if count else "–"
