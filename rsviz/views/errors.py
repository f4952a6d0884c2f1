"""The one boundary where errors become sentences: ours as written, others as a reference."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TypeVarTuple

import streamlit as st

from rsviz.core.errors import RsvizError
from rsviz.views.words import plain

log = logging.getLogger("rsviz")
Parts = TypeVarTuple("Parts")


@contextmanager
def boundary(what: str = "This part of the page") -> Iterator[None]:
    """Show what goes wrong inside in place of the content; everything around it stays.

    Args:
        what: names the content that failed, for errors that are our fault.
    """
    try:
        yield
    except RsvizError as error:
        show(error)
    except Exception:
        reference = secrets.token_hex(3)
        log.exception("reference %s: %s", reference, what)
        show_fault(what, reference)


def fragment(part: Callable[[*Parts], None]) -> Callable[[*Parts], None]:
    """A part of a page that reruns by itself, inside a boundary of its own.

    The boundary of the page is not there when a fragment runs alone.
    """

    @st.fragment
    @wraps(part)
    def guarded(*args: *Parts) -> None:
        with boundary():
            part(*args)

    return guarded


def show(error: RsvizError) -> None:
    """Show an error that the visitor can mend: what happened, and what to do."""
    hint = f"  \n{plain(error.hint)}" if error.hint else ""
    st.error(plain(error.message) + hint, icon=":material/error:")


def show_fault(what: str, reference: str) -> None:
    """Say that something is our fault, with the number under which the log knows it."""
    st.error(
        f"{plain(what)} failed, and the fault is ours. The log has the details under reference "
        f"`{reference}`; the other parts still work.",
        icon=":material/error:",
    )
