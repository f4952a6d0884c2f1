"""Asking a model: which one, with which weights and options, where; run, progress, cancel.

What is on the screen always belongs to the settings on the screen: a result is looked up by
everything that was asked, and two visitors who ask the same share one answer.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

import streamlit as st

from rsviz.core import registry
from rsviz.core.card import ModelCard
from rsviz.core.errors import RsvizError
from rsviz.core.model import Change, Result
from rsviz.core.scene import Description
from rsviz.jobs.executor import Job, JobState
from rsviz.views import clients, errors, forms, machine, own
from rsviz.views.progress import progress_text
from rsviz.views.state import Second, Session, bind
from rsviz.views.words import plain

POLL_SECONDS = 0.4
SMALL_PIXELS = 400_000
BUSY = ("queued", "running")


@dataclass(frozen=True)
class Question:
    """A model, and the job that asks it."""

    card: ModelCard
    job: Job


def panel(
    session: Session,
    about: Description,
    kind: str,
    extras: bool,
    changes: tuple[Change, ...] = (),
) -> Question | None:
    """Choose model, weights, options and device (in the sidebar).

    Args:
        session: the visitor's choices.
        about: the open scene.
        kind: the page is about models that always give a layer of this kind.
        extras: whether to ask for the layers that are given on request only.
        changes: what to do to the scene before.

    Returns:
        The question, or None when no model takes this scene.
    """
    cards = registry.emitting(kind)
    mine = {card.id for card in cards if own.fitting(session, card, about)}
    reasons = {card.id: card.why_not(about) if card.id not in mine else [] for card in cards}
    fitting = {card.id: card for card in cards if not reasons[card.id]}
    if fitting:
        if session.model not in fitting:
            session.model, session.weights = next(iter(fitting)), ""
        st.selectbox(
            "Model",
            list(fitting),
            format_func=lambda name: fitting[name].title,
            key="model",
            on_change=bind("model", session.model, lambda name: _choose(session, name)),
        )
        card = fitting[session.model]
        st.caption(plain(card.task.capitalize()))
    others = [card for card in cards if reasons[card.id]]
    if others:
        with st.expander("Models that do not fit", expanded=not fitting, key="unfit"):
            for other in others:
                st.markdown(f"**{plain(other.title)}** {plain(' '.join(reasons[other.id]))}")
    if not fitting:
        return None
    weights = choose_weights(session, session, card, about)
    with st.expander("Settings", key="settings"):
        forms.options_form(card.id, card.options, session.options.setdefault(card.id, {}))
        machine.choose_device(session)
    question = of(session, session, card, weights, extras, changes)
    if session.wants_run:
        session.wants_run = False
        submit(session, question)
    return question


def of(
    session: Session,
    who: Session | Second,
    card: ModelCard,
    weights: str,
    extras: bool,
    changes: tuple[Change, ...] = (),
) -> Question:
    """The question that somebody's choices amount to.

    Args:
        session: says which scene, and where to compute.
        who: says with which options.
        card: the model.
        weights: id of its weights.
        extras: whether to ask for the layers that are given on request only.
        changes: what to do to the scene before.
    """
    job = Job(
        scene_ref=session.scene,
        model=card.id,
        weights=weights,
        options=forms.checked(card.options, who.options.get(card.id, {})),
        wants=card.extras if extras else (),
        device=session.device,
        variable=session.variable,
        axes=session.axes,
        changes=changes,
    )
    return Question(card, job)


def affordable(about: Description) -> bool:
    """Whether a scene is small enough to compute all layers at once, for all pages."""
    return about.grid.height * about.grid.width <= SMALL_PIXELS


def invite(session: Session, question: Question) -> None:
    """The empty state: what will happen, and the button that starts it."""
    card = question.card
    st.markdown(plain(card.summary))
    run_button(session, question, "main-run")


def unsuitable(session: Session, about: Description, kind: str) -> None:
    """Say why no model takes the scene, and which scenes would do."""
    cards = registry.emitting(kind)
    name = plain(about.name)
    if not cards:
        st.warning("No model for this question is installed yet.")
        return
    lines = [f"- **{plain(c.title)}**: {plain(' '.join(c.why_not(about)))}" for c in cards]
    st.warning(f"No model here takes {name}.\n\n" + "\n".join(lines), icon=":material/block:")
    trained = trained_on(kind)
    would = [entry for entry in clients.entries() if entry.id in trained]
    if would:
        st.markdown("Scenes that would do:")
        with st.container(horizontal=True):
            for entry in would:
                if st.button(plain(entry.title), key=f"open-{entry.id}", icon=":material/public:"):
                    session.open(entry.id)
                    st.rerun()


def trained_on(kind: str) -> set[str]:
    """Scenes on whose labels models of a kind were trained."""
    return {w.scene for card in registry.emitting(kind) for w in card.weights if w.file}


def state(session: Session, about: Description, kind: str, question: Question | None) -> None:
    """Where the question stands: why it cannot be asked, how to ask it, how the run is doing.

    Draws the run button in the sidebar, and nothing else once the answer is there.
    """
    if question is None:
        unsuitable(session, about, kind)
        return
    with st.sidebar:
        run_button(session, question, "side-run")
    if not waiting(session, question) and answer(session, question) is None:
        invite(session, question)


def answer(session: Session, question: Question | None) -> Result | None:
    """The result of the question, or of one that asked for more; None when it is not there."""
    if question is None:
        return None
    for name in _answering(question.job):
        now = _state_of(session, name)
        if now is not None and now.status == "done":
            return clients.result(session.jobs[name])
    return None


def unfinished(session: Session, question: Question | None) -> Result | None:
    """What is known so far of a run under way; None where it gives nothing before its end."""
    name = _name(question.job) if question else ""
    now = _state_of(session, name)
    if now is None or now.status not in BUSY or not now.partials:
        return None
    return clients.executor().partial(session.jobs[name])


def notes(session: Session, question: Question | None) -> tuple[str, ...]:
    """What the run and the model want the reader to know."""
    result = answer(session, question)
    if question is None or result is None:
        return ()
    return (*result.record.notes, *question.card.limits)


def run_button(session: Session, question: Question, key: str) -> None:
    """Start the run; disabled while it runs."""
    now = _state_of(session, _name(question.job))
    busy = now is not None and now.status in BUSY
    if st.button(
        f"Run {plain(question.card.title)}",
        type="primary",
        key=key,
        icon=":material/play_arrow:",
        disabled=busy,
        width="stretch" if key.startswith("side") else "content",
    ):
        submit(session, question)
        st.rerun()


def submit(session: Session, question: Question) -> None:
    """Put the question to the worker."""
    session.jobs[_name(question.job)] = clients.executor().submit(question.job)


def asked(session: Session, question: Question) -> bool:
    """Whether this visitor has put the question, with whatever outcome."""
    return _state_of(session, _name(question.job)) is not None


def withdraw(session: Session, question: Question) -> None:
    """Cancel a run whose answer is not wanted any more."""
    now = _state_of(session, _name(question.job))
    if now is not None and now.status in BUSY:
        clients.executor().cancel(session.jobs.pop(_name(question.job)))


def status(session: Session, question: Question) -> str:
    """How far the question is, as in `JobState`; "" when it was not asked."""
    now = _state_of(session, _name(question.job))
    return "" if now is None else now.status


def waiting(session: Session, question: Question, key: str = "cancel") -> bool:
    """Show how the run is doing while it is under way, or why it gave nothing.

    Args:
        session: knows the runs.
        question: what was asked.
        key: of the cancel button; unique on the page.

    Returns:
        Whether a run is under way.
    """
    now = _state_of(session, _name(question.job))
    if now is None:
        return False
    if now.status in BUSY:
        _progress(session.jobs[_name(question.job)], key, now.partials)
        return True
    if now.status == "cancelled":
        st.info("The run was cancelled. Run it again whenever you like.")
    elif now.error is not None:
        errors.show(now.error)
    elif now.status == "failed":
        errors.show_fault(f"The run of {question.card.title}", now.reference)
    return False


@st.fragment(run_every=POLL_SECONDS)
def _progress(run_id: str, key: str, shown: int) -> None:
    """What is done now, how much, how long it will take, and a cancel; polls by itself.

    The page is drawn again when the run ends, or has a newer partial result than the one `shown`.
    """
    with errors.boundary("The progress of the run"):
        _show_progress(run_id, key, shown)


def _show_progress(run_id: str, key: str, shown: int) -> None:
    now = clients.executor().events(run_id)
    if now.status not in BUSY or now.partials != shown:
        st.rerun()
    bar, stop = st.columns([6, 1], vertical_alignment="center")
    share = now.done / now.total if now.total else 0.0
    ready = clients.executor().machine()["state"] == "ready"
    bar.progress(min(1.0, share), text=plain(progress_text(now, ready)))
    if stop.button("Cancel", key=key, icon=":material/close:", width="stretch"):
        clients.executor().cancel(run_id)
        st.rerun()


def _choose(session: Session, model: str) -> None:
    session.model, session.weights = model, ""


def choose_weights(
    session: Session,
    who: Session | Second,
    card: ModelCard,
    about: Description,
    key: str = "weights",
) -> str:
    """The weights to use, the visitor's own among them; a choice is offered when several fit."""
    found = (*card.fitting(about), *own.fitting(session, card, about))
    by_id = {weights.id: weights for weights in found}
    if not by_id:
        return ""
    if who.weights not in by_id:
        who.weights = next(iter(by_id))
    if len(by_id) > 1:

        def chosen(name: str) -> None:
            who.weights = name

        st.selectbox(
            "Weights",
            list(by_id),
            format_func=lambda name: own.label(by_id[name]),
            key=key,
            on_change=bind(key, who.weights, chosen),
            help="The labelled pixels that it learned from, and the seed that drew them.",
        )
    return who.weights


def _name(job: Job) -> str:
    """What a job asks, as text."""
    return json.dumps(asdict(job), sort_keys=True)


def _state_of(session: Session, name: str) -> JobState | None:
    """How far a question is; None when it was not asked, or the server has forgotten it."""
    if name not in session.jobs:
        return None
    try:
        return clients.executor().events(session.jobs[name])
    except RsvizError:
        del session.jobs[name]
        return None


def _answering(job: Job) -> list[str]:
    """What answers a job: the job itself first, then the one that asks for all layers."""
    extras = registry.card(job.model).extras
    more = replace(job, wants=extras) if set(job.wants) <= set(extras) else job
    return list(dict.fromkeys((_name(job), _name(more))))
