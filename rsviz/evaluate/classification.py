"""The family of models that name the land cover of every pixel."""

from rsviz.evaluate.compare import evaluate
from rsviz.evaluate.protocols import PROTOCOLS
from rsviz.evaluate.training import train_and_record

__all__ = ["PROTOCOLS", "evaluate", "train_and_record"]
