"""Which models are there: every folder under models/ that has a card.py.

Adding a model touches no other file. Importing every card imports no torch.
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from pathlib import Path
from typing import cast

from rsviz.core.card import ModelCard
from rsviz.core.errors import BadOption
from rsviz.core.model import Model

MODELS = Path(__file__).resolve().parents[2] / "models"


@lru_cache(maxsize=1)
def cards() -> dict[str, ModelCard]:
    """All model cards by id, in alphabetical order."""
    found = {}
    for path in sorted(MODELS.glob("*/card.py")):
        card = importlib.import_module(f"models.{path.parent.name}.card").CARD
        found[card.id] = card
    return found


def reread() -> None:
    """Read all cards again: after a training has recorded new weights."""
    for found in cards().values():
        importlib.reload(importlib.import_module(f"models.{found.id}.card"))
    cards.cache_clear()


def card(model_id: str) -> ModelCard:
    """The card of a model.

    Raises:
        BadOption: there is no such model.
    """
    try:
        return cards()[model_id]
    except KeyError:
        raise BadOption(
            f"There is no model '{model_id}'.", f"Models: {', '.join(cards()) or 'none'}."
        ) from None


def emitting(kind: str) -> tuple[ModelCard, ...]:
    """Cards of the models that always give a layer of this kind, or of this name."""
    return tuple(c for c in cards().values() if kind in c.emits.values() or kind in c.emits)


def build(model_card: ModelCard) -> Model:
    """A new, unloaded instance of a model; this is where torch gets imported."""
    module, _, name = model_card.factory.partition(":")
    return cast(Model, getattr(importlib.import_module(module), name)())
