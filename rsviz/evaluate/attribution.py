"""What in the spectrum and around a pixel made a model say what it says, and whether to believe it.

Integrated gradients (Sundararajan, Taly, Yan 2017, arXiv:1703.01365) and occlusion of groups of
bands, both from captum, both against the scene's mean. Of a series of images dates are explained
in the place of bands, against the mean image of each date. The deletion curve (Petsiuk, Das,
Saenko 2018, arXiv:1806.07421) removes groups of bands in the order that an attribution gives: one
that is worth something makes the probability fall faster than random orders do.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rsviz.core import registry, run
from rsviz.core.card import ModelCard
from rsviz.core.errors import SceneMismatch
from rsviz.core.layers import Curve, Layer, ScalarMap, Table
from rsviz.core.model import OnStep, Result, RunContext
from rsviz.core.options import build, option
from rsviz.core.scene import Scene
from rsviz.nn.differentiable import Differentiable

Floats = NDArray[np.float32]

POINTS = 10
REACH = 12


@dataclass(frozen=True)
class Settings:
    """What is to be explained, and how finely."""

    row: int = option(0, "Row", "Of the pixel, from 0.", low=0, high=1_000_000)
    col: int = option(0, "Column", "Of the pixel, from 0.", low=0, high=1_000_000)
    target: int = option(-1, "Class", "Explained class, from 0; -1 is the predicted one.", low=-1)
    rival: int = option(
        -1, "Rival", "Class that it is held against, from 0; -1 is the strongest other.", low=-1
    )
    steps: int = option(
        24, "Steps", "Points of the path that gradients are taken at.", low=4, high=200
    )
    groups: int = option(20, "Groups", "Groups of neighbouring bands or dates.", low=2, high=100)
    orders: int = option(4, "Random orders", "To compare with.", low=2, high=50)


def attribute(
    scene: Scene,
    ask: run.Ask,
    wanted: dict[str, Any],
    on_step: OnStep,
    cancelled: Callable[[], bool],
) -> Result:
    """Explain the class of one pixel.

    Args:
        scene: the pixels.
        ask: model, weights, options and device.
        wanted: values of `Settings`.
        on_step: called with (done, total, what).
        cancelled: asked at every step.

    Returns:
        Layers: `gradients` and `occlusion`, curves over the bands, or over the dates of a series;
        `space`, a map around the pixel; `deletion`, a curve; `facts`, a table.

    Raises:
        SceneMismatch: the model does not take the scene, cannot be explained, or the pixel lies
            outside or holds no data.
        Cancelled: the user asked to stop.
    """
    settings: Settings = build(Settings, wanted)
    card = registry.card(ask.model)
    weights = run.choose_weights(card, run.describe(scene), ask.weights)
    options = ask.options if ask.options is not None else build(card.options, {})
    _check(card, scene, settings)
    ctx = RunContext(ask.device, ask.seed, on_step=on_step, cancelled=cancelled)
    started = time.perf_counter()
    model, lock = run.loaded(card, weights, ask.device)
    with lock:
        module, _, name = card.differentiable.partition(":")
        make = getattr(importlib.import_module(module), name)
        found: Differentiable = make(model, scene, settings.row, settings.col, options)
        layers = _Explained(scene, found, settings, ctx).layers(_names(card, weights))
    seconds = time.perf_counter() - started
    what = (
        f"Explained is the pixel in row {settings.row}, column {settings.col}, with "
        f"{settings.steps} steps and up to {settings.groups} groups of {_unit(scene)}s."
    )
    notes = (what, found.note) if found.note else (what,)
    return Result(layers, run.record_of(scene, ask, weights, options, ask.device, seconds, notes))


class _Explained:
    """One pixel under explanation: counts the steps, and keeps what all parts need."""

    def __init__(
        self, scene: Scene, found: Differentiable, settings: Settings, ctx: RunContext
    ) -> None:
        self.scene, self.found, self.settings, self.ctx = scene, found, settings, ctx
        self.inputs = found.inputs.float()
        self.channels = self.inputs.shape[1]
        self.unit = _unit(scene)
        self.baseline = torch.from_numpy(_means(scene)).to(self.inputs)[None, :, None, None]
        self.units = scene.shape[0] if self.unit == "date" else self.channels
        of_units = np.arange(self.channels).reshape(self.units, -1)
        split = np.array_split(of_units, min(settings.groups, self.units))
        self.parts = [part.ravel() for part in split]  # channels of a group of bands or dates
        points = min(POINTS, len(self.parts))
        shares = np.linspace(0, 1, points + 1) ** 2  # closer together where most happens
        self.ends = np.unique((len(self.parts) * shares).round().astype(int))
        passes = settings.steps + len(self.parts) + 1
        self.total = passes + (settings.orders + 2) * (len(self.ends) - 1) + 3
        self.done = 0
        with torch.no_grad():
            start = self._scores(self.inputs)[0]
            bare = self._scores(self.baseline.expand_as(self.inputs))[0]
        self.target = settings.target if settings.target >= 0 else int(start.argmax())
        others = start.clone()
        others[self.target] = -torch.inf
        self.rival = settings.rival if settings.rival >= 0 else int(others.argmax())
        self.start, self.bare = start, bare

    def layers(self, names: tuple[str, ...]) -> dict[str, Layer]:
        """Everything, as layers."""
        gradients, gap = self._gradients()
        occlusion = self._occlusion()
        by_channel = gradients.sum(axis=(1, 2))
        groups = np.array([by_channel[part].sum() for part in self.parts])
        orders = {
            "Integrated gradients": np.argsort(-groups, kind="stable"),
            "Occlusion": np.argsort(-occlusion, kind="stable"),
        }
        rng = np.random.default_rng(self.ctx.seed)
        curves = {name: self._deleted(order) for name, order in orders.items()}
        draws = np.stack(
            [self._deleted(rng.permutation(len(self.parts))) for _ in range(self.settings.orders)]
        )
        spread = draws.std(axis=0)
        curves |= {
            "Random order": draws.mean(axis=0),
            "Random, minus s.d.": np.clip(draws.mean(axis=0) - spread, 0, 1),
            "Random, plus s.d.": np.clip(draws.mean(axis=0) + spread, 0, 1),
        }
        self.ctx.step(self.total, self.total, "done")
        sizes = np.array([0, *(len(part) for part in self.parts)]).cumsum()
        share = sizes[self.ends] / self.channels
        areas = {name: float(np.trapezoid(curve, share)) for name, curve in curves.items()}
        return {
            "gradients": self._over_units(
                "Integrated gradients",
                by_channel.reshape(self.units, -1).sum(axis=1),
                f"Each {self.unit}'s part in the lead, summed over space.",
            ),
            "occlusion": self._over_units(
                "Occlusion",
                np.repeat(occlusion, [len(part) for part in self.parts])
                .reshape(self.units, -1)
                .mean(axis=1),
                f"Loss of lead when a group of neighbouring {self.unit}s holds the scene's mean.",
            ),
            "space": self._in_space(gradients),
            "deletion": Curve(
                "Deletion",
                f"Probability of the class as {self.unit}s are replaced by the scene's mean, those "
                "first that an attribution calls important.",
                (100 * share).astype(np.float32),
                np.stack(list(curves.values())).astype(np.float32),
                tuple(curves),
                f"{self.unit.capitalize()}s removed [%]",
                f"Probability of {names[self.target]}",
            ),
            "facts": self._facts(names, gap, float(gradients.sum()), areas),
        }

    def _lead(self, inputs: Tensor) -> Tensor:
        """Score of the class minus that of its rival (N,)."""
        scores = self._scores(inputs)
        return scores[:, self.target] - scores[:, self.rival]

    def _scores(self, inputs: Tensor) -> Tensor:
        self.ctx.step(min(self.done, self.total), self.total, "asking the model again")
        self.done += len(inputs)
        return self.found.scores(inputs)

    def _gradients(self) -> tuple[Floats, float]:
        """Attributions (C, h, w), and how far their sum misses the difference of the lead."""
        from captum.attr import IntegratedGradients

        baseline = self.baseline.expand_as(self.inputs).contiguous()
        found, gap = IntegratedGradients(self._lead).attribute(
            self.inputs,
            baseline,
            n_steps=self.settings.steps,
            internal_batch_size=self.found.batch,
            return_convergence_delta=True,
        )
        return found[0].detach().cpu().numpy().astype(np.float32), float(gap)

    def _occlusion(self) -> Floats:
        """Loss of lead (G,) when a group of bands or dates holds the scene's mean everywhere."""
        from captum.attr import FeatureAblation

        mask = torch.zeros(1, self.channels, 1, 1, dtype=torch.long, device=self.inputs.device)
        for group, part in enumerate(self.parts):
            mask[0, part] = group
        with torch.no_grad():
            found = FeatureAblation(self._lead).attribute(
                self.inputs,
                self.baseline.expand_as(self.inputs),
                feature_mask=mask,
                perturbations_per_eval=self.found.batch,
            )
        return np.array([float(found[0, part[0], 0, 0]) for part in self.parts], np.float32)

    def _deleted(self, order: NDArray[np.intp]) -> NDArray[np.float64]:
        """Probability of the class as groups are replaced in an order, at `ends`."""
        found = [float(self.start.softmax(0)[self.target])]
        pending, inputs = [], self.inputs.clone()
        for first, end in zip(self.ends[:-1], self.ends[1:], strict=True):
            for group in order[first:end]:
                inputs[:, self.parts[group]] = self.baseline[:, self.parts[group]]
            pending.append(inputs.clone())
        with torch.no_grad():
            for batch in torch.split(torch.cat(pending), self.found.batch):
                found += self._scores(batch).softmax(1)[:, self.target].tolist()
        return np.array(found)

    def _over_units(self, title: str, values: Floats, about: str) -> Curve:
        """Values (C,) over the bands, or (T,) over the dates, of which the numbers are told."""
        known = self.scene.wavelengths_nm if self.unit == "band" else None
        x = known if known is not None else tuple(range(1, self.units + 1))
        return Curve(
            title,
            about,
            np.array(x, np.float32),
            values[None].astype(np.float32),
            (title,),
            self.unit.capitalize() if known is None else "Wavelength [nm]",
            "Part in the lead",
        )

    def _in_space(self, gradients: Floats) -> ScalarMap:
        """Attributions summed over channels, on the scene's grid, near the pixel alone."""
        height, width = self.scene.grid.shape
        plane = np.zeros((height, width), np.float32)
        rows, cols = self.found.rows, self.found.cols
        np.add.at(plane, (rows[:, None], cols[None]), gradients.sum(axis=0))
        near = np.zeros((height, width), bool)
        row, col = self.settings.row, self.settings.col
        near[max(0, row - REACH) : row + REACH + 1, max(0, col - REACH) : col + REACH + 1] = True
        seen = np.zeros((height, width), bool)
        seen[np.ix_(np.unique(rows), np.unique(cols))] = True
        return ScalarMap(
            "Attribution in space",
            f"Where the lead of the class comes from, by integrated gradients summed over all "
            f"{self.unit}s.",
            self.scene.grid,
            np.where(near & seen, plane, np.float32(np.nan)),
            "part in the lead",
            "score",
            diverging=True,
        )

    def _facts(
        self, names: tuple[str, ...], gap: float, total: float, areas: dict[str, float]
    ) -> Table:
        lead = float(self.start[self.target] - self.start[self.rival])
        bare = float(self.bare[self.target] - self.bare[self.rival])
        p = self.start.softmax(0)
        rows: list[tuple[str, str | float]] = [
            ("Class", names[self.target]),
            ("Rival", names[self.rival]),
            ("Probability of the class", float(p[self.target])),
            ("Probability of the rival", float(p[self.rival])),
            ("Lead in scores", lead),
            ("Lead with the scene's mean", bare),
            ("Sum of the integrated gradients", total),
            ("Missed by the steps of the path", gap),
        ]
        rows += [(f"Area below the curve: {name}", area) for name, area in areas.items()]
        return Table(
            "Facts", "What was explained, and how well.", ("Quantity", "Value"), tuple(rows)
        )


def _unit(scene: Scene) -> str:
    """What is explained: the bands of an image, or the dates of a series."""
    return "date" if scene.shape[0] > 1 else "band"


def _means(scene: Scene) -> Floats:
    """Mean of each band at each date over its valid pixels, (T*C,); 0 where there are none."""
    columns = [
        pixels[:, valid].mean(axis=1) if valid.any() else np.zeros(len(pixels))
        for pixels, valid in zip(scene.pixels, scene.valid, strict=True)
    ]
    return np.concatenate(columns).astype(np.float32)


def _names(card: ModelCard, weights: Any) -> tuple[str, ...]:
    names: tuple[str, ...] = weights.classes if weights is not None else ()
    return names


def _check(card: ModelCard, scene: Scene, settings: Settings) -> None:
    """Make sure that there is something to explain.

    Raises:
        SceneMismatch: there is not.
    """
    if not card.differentiable:
        raise SceneMismatch(
            f"{card.title} does not offer its scores with gradients, so they cannot be attributed.",
            "Choose another model.",
        )
    height, width = scene.grid.shape
    if settings.row >= height or settings.col >= width:
        raise SceneMismatch(
            f"The pixel is row {settings.row}, column {settings.col}; the scene has {height} rows "
            f"and {width} columns, counted from 0."
        )
    if not scene.valid[:, settings.row, settings.col].any():
        raise SceneMismatch(
            f"The pixel in row {settings.row}, column {settings.col} holds no data.",
            "Pick another pixel.",
        )
