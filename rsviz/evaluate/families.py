"""The families of tasks: each draws its own protocols, scores its models and trains them.

A family is a module with

- `PROTOCOLS`: protocols by name, each with `name`, `scene`, `about` and `version`;
- `evaluate(model_id, protocol_name, device, on_step, *, seeds, variant, quick)`: a dict with
  `metrics` and their `spread`, `baselines` (name: metrics with `spread`), `seeds`, `runs` and
  what else the family knows;
- `train_and_record(model_id, protocol_name, seed, device, settings, on_step, *, variant,
  keep_file, checkpoint)`: the record of the trained weights, as written to weights.json.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from rsviz.core.errors import BadOption
from rsviz.core.model import OnStep

FAMILIES = (
    "rsviz.evaluate.classification",
    "rsviz.evaluate.super_resolution",
    "rsviz.evaluate.temperature",
)
"""Modules of the families, in the order in which their protocols are listed."""


class Rule(Protocol):
    """What any protocol says about itself."""

    @property
    def name(self) -> str: ...
    @property
    def scene(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def version(self) -> int: ...


class Family(Protocol):
    """What a family's module offers."""

    PROTOCOLS: Mapping[str, Rule]

    def evaluate(
        self,
        model_id: str,
        protocol_name: str,
        device: str,
        on_step: OnStep,
        *,
        seeds: int | None = None,
        variant: str = "",
        quick: bool = False,
    ) -> dict[str, Any]: ...

    def train_and_record(
        self,
        model_id: str,
        protocol_name: str,
        seed: int,
        device: str,
        settings: dict[str, str],
        on_step: OnStep,
        *,
        variant: str = "",
        keep_file: bool = True,
        checkpoint: Path | None = None,
    ) -> dict[str, Any]: ...


def families() -> tuple[Family, ...]:
    """All families."""
    found: list[Any] = [importlib.import_module(name) for name in FAMILIES]
    return tuple(found)


def protocols() -> dict[str, Rule]:
    """The protocols of all families by name."""
    return {name: rule for family in families() for name, rule in family.PROTOCOLS.items()}


def family_of(protocol_name: str) -> Family:
    """The family to which a protocol belongs.

    Raises:
        BadOption: there is no such protocol.
    """
    for family in families():
        if protocol_name in family.PROTOCOLS:
            return family
    raise BadOption(
        f"There is no protocol '{protocol_name}'.", f"Protocols: {', '.join(protocols())}."
    )
