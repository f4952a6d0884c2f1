"""The family of models that make an image finer: scored on images of which the fine one is known.

The test images were made coarser by antialiased bicubic resampling and rounded to bytes. All
scores are of the brightness (Y) of results rounded to bytes, over whole images, borders included,
and means over images. No test image is trained on or looked at while training.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.core import registry
from rsviz.core.card import ModelCard, Weights
from rsviz.core.errors import BadOption, ModelFailed, WeightsMissing
from rsviz.core.grid import Grid
from rsviz.core.layers import SRImage
from rsviz.core.model import OnStep
from rsviz.core.run import Ask, run
from rsviz.core.scene import Band, Scene
from rsviz.evaluate import aerial_images, image_quality, records
from rsviz.evaluate.records import Record, weights_id
from rsviz.evaluate.training import trainer_of
from rsviz.physics.resample import resize

Floats = NDArray[np.float32]
Scores = dict[str, Any]

BYTE = 255.0
CNN = "edsr"
"""The plain network of equal size, trained with the same recipe on the same number of crops."""


@dataclass(frozen=True)
class SRProtocol:
    """Which images are made how much coarser.

    Attributes:
        name: short id.
        scene: name of the set of images.
        scale: how many times coarser.
        about: two sentences for people.
        version: raised whenever other images or other pixels would be used.
    """

    name: str
    scene: str
    scale: int
    about: str
    version: int = 1

    def fingerprint(self) -> str:
        """A hash of the list of test images."""
        listed = "\n".join(aerial_images.names("test"))
        return hashlib.sha256(listed.encode()).hexdigest()[:16]


PROTOCOLS: dict[str, SRProtocol] = {
    "rsscn7-x4": SRProtocol(
        "rsscn7-x4",
        "rsscn7",
        4,
        "119 aerial images of seven kinds of scene train, 14 are watched while training, 35 test; "
        "which is which is a fixed list. Each was made four times coarser by antialiased bicubic "
        "resampling.",
    ),
    "rsscn7-x2": SRProtocol(
        "rsscn7-x2",
        "rsscn7",
        2,
        "As rsscn7-x4, two times coarser. Meant for a GPU; no weights are recorded yet.",
    ),
}


def train_and_record(
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
) -> Record:
    """Train a model on the training images of a protocol and record weights and test scores.

    Raises:
        BadOption: there is no such model, protocol or setting, or the model has no trainer.
        UnreadableScene: the images are not there.
    """
    card, rule = registry.card(model_id), _protocol(protocol_name)
    trainer: Callable[..., Any] = trainer_of(card)
    trained = trainer(aerial_images.pairs(rule.scale), seed, settings, checkpoint, device, on_step)
    words = ["python -m rsviz train", card.id, f"--protocol {rule.name} --seed {seed}"]
    words += [f"--set {name}={value}" for name, value in sorted(settings.items())]
    words += [f"--variant {variant}"] if variant else []
    folder = registry.MODELS / card.id / "weights"
    record: Record = {
        "id": weights_id(rule.name, seed, variant),
        "file": "",
        "sha256": "",
        "scene": rule.scene,
        "protocol": rule.name,
        "seed": seed,
        "bands": 3,
        "config": trained.config,
        "parameters": trained.parameters,
        "recipe": " ".join(words),
        "data": aerial_images.TITLE,
        "licence": f"data: {aerial_images.LICENCE}; weights: Apache-2.0",
        "measured_on": "",
        "metrics": {
            "protocol_version": rule.version,
            "truth": rule.fingerprint(),
            "training_seconds": round(trained.seconds, 1),
            "n_train": len(aerial_images.names("train")),
            "n_test": len(aerial_images.names("test")),
        },
    }
    record["file"] = f"{record['id'].replace('/', '-')}.safetensors"
    record["sha256"] = records.save(trained, record, folder / record["file"])
    records.put(folder, record)
    registry.reread()
    answer = _model(card.id, record["id"], device)
    scored = [image_scores(answer(case), case) for case in _cases(rule, False)]
    record["metrics"] |= records.rounded(_mean(scored) | {"psnr_by_class_db": _by_class(scored)})
    record["measured_on"] = records.measured_on(device)
    if not keep_file:
        (folder / record["file"]).unlink()
        record["file"] = ""
        record["recipe"] += " --no-file"
    records.put(folder, record)
    registry.reread()
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return record


def evaluate(
    model_id: str,
    protocol_name: str,
    device: str,
    on_step: OnStep,
    *,
    seeds: int | None = None,
    variant: str = "",
    quick: bool = False,
) -> dict[str, Any]:
    """Score committed weights on the test images, beside interpolation and a plain network.

    Weights with a file are run again; of those without one the recorded figures count.

    Args:
        model_id: which card.
        protocol_name: which images.
        device: torch device name, resolved.
        on_step: called with (done, total, what).
        seeds: use seeds 0..seeds-1; all that are recorded by default.
        variant: of the weights.
        quick: seed 0 and the first image of each class alone.

    Raises:
        BadOption: there is no such model or protocol.
        WeightsMissing: there are no such weights, or they were tested on other images.
        UnreadableScene: the images are not there.
    """
    started = time.perf_counter()
    card, rule = registry.card(model_id), _protocol(protocol_name)
    chosen = _chosen(card, rule, variant, 1 if quick else seeds)
    cases = _cases(rule, quick)
    answers = {w.id: _model(card.id, w.id, device) for w in chosen if w.file}
    others: dict[str, Answer] = {name: _kernel(name) for name in ("bicubic", "lanczos")}
    if card.id != CNN:
        cnn = _chosen(registry.card(CNN), rule, "", 1)[0]
        others["cnn"] = _model(CNN, cnn.id, device)
    scored: dict[str, list[Scores]] = {name: [] for name in (*answers, *others)}
    for done, case in enumerate(cases):
        on_step(done, len(cases), case.name)
        for name, answer in (answers | others).items():
            scored[name].append(image_scores(answer(case), case))
    runs = [
        {"seed": w.seed} | (_mean(scored[w.id]) if w.file else _recorded(w.metrics)) for w in chosen
    ]
    first = next(iter(answers), None)
    return {
        "model": card.id,
        "protocol": rule.name,
        "protocol_version": rule.version,
        "variant": variant,
        "scene": rule.scene,
        "about": rule.about,
        "metrics": {key: float(np.mean([r[key] for r in runs])) for key in _KEYS},
        "spread": {key: float(np.std([r[key] for r in runs])) for key in _KEYS},
        "n_train": len(aerial_images.names("train")),
        "n_test": len(cases),
        "seeds": [w.seed for w in chosen],
        "measured": [w.seed for w in chosen if w.file],
        "runs": runs,
        "baselines": {
            name: _mean(scored[name]) | {"spread": dict.fromkeys(_KEYS, 0.0)} for name in others
        },
        "differences": {} if first is None else _differences(scored, first, others),
        "by_class": {} if first is None else _by_class(scored[first]),
        "seconds": round(time.perf_counter() - started, 3),
        "device": device,
    }


@dataclass(frozen=True, eq=False)
class Case:
    """A test image: its name, the fine one (3, s*h, s*w) in [0, 1], and the coarse one."""

    name: str
    fine: Floats
    coarse: Floats

    @property
    def scene(self) -> Scene:
        """The coarse image as a scene of bytes."""
        pixels = (self.coarse * BYTE).astype(np.float32)[None]  # (3, h, w) -> (1, 3, h, w)
        shape = pixels.shape[-2:]
        bands = (Band("red"), Band("green"), Band("blue"))
        return Scene(pixels, np.ones((1, *shape), bool), bands, Grid(*shape), "dn", name=self.name)


Answer = Callable[[Case], Floats]
_KEYS = ("psnr_db", "ssim", "gmsd", "psnr_rgb_db")


def image_scores(image: Floats, case: Case) -> Scores:
    """Scores of a fine image (3, s*h, s*w) in [0, 1] that stands for the true one."""
    made = np.round(np.clip(image, 0.0, 1.0) * BYTE) / BYTE
    plane, true = image_quality.luma(made, 1.0), image_quality.luma(case.fine, 1.0)
    return {
        "name": case.name,
        "psnr_db": image_quality.psnr_db(plane, true, 1.0),
        "ssim": image_quality.ssim(plane, true, 1.0),
        "gmsd": image_quality.gmsd(plane, true, 1.0),
        "psnr_rgb_db": image_quality.psnr_db(made, case.fine, 1.0),
    }


def _cases(rule: SRProtocol, quick: bool) -> list[Case]:
    names = aerial_images.names("test")
    if quick:
        names = tuple({name.split("/")[0]: name for name in reversed(names)}.values())
    found = []
    for name in names:
        fine = aerial_images.image(name)
        found.append(Case(name, fine, aerial_images.coarser(fine, rule.scale)))
    return found


def _model(model_id: str, weights: str, device: str) -> Answer:
    """What weights of a card make of an image, through `core.run`."""

    def answer(case: Case) -> Floats:
        result = run(case.scene, Ask(model_id, weights, device=device))
        layer = next((x for x in result.layers.values() if isinstance(x, SRImage)), None)
        if layer is None or layer.data.shape != case.fine.shape:
            raise ModelFailed(f"{model_id} gave no image of {case.fine.shape} values.")
        return layer.data / np.float32(BYTE)

    return answer


def _kernel(kernel: str) -> Answer:
    """Interpolation."""
    return lambda case: resize(case.coarse, *case.fine.shape[1:], kernel)


def _mean(scored: list[Scores]) -> dict[str, float]:
    return {key: float(np.mean([s[key] for s in scored])) for key in _KEYS}


def _recorded(metrics: dict[str, Any]) -> dict[str, float]:
    return {key: float(metrics[key]) for key in _KEYS}


def _by_class(scored: list[Scores]) -> dict[str, float]:
    """Mean PSNR [dB] by kind of scene."""
    kinds = sorted({str(s["name"]).split("/")[0] for s in scored})
    return {
        kind[1:]: float(np.mean([s["psnr_db"] for s in scored if s["name"].startswith(kind)]))
        for kind in kinds
    }


def _differences(
    scored: dict[str, list[Scores]], model: str, others: dict[str, Answer]
) -> dict[str, dict[str, float]]:
    """PSNR minus that of each baseline, image by image: mean, spread, share of images won."""
    found = {}
    for name in others:
        pairs = zip(scored[model], scored[name], strict=True)
        gains = np.array([a["psnr_db"] - b["psnr_db"] for a, b in pairs])
        found[name] = {
            "mean_db": float(gains.mean()),
            "spread_db": float(gains.std()),
            "share_better": float((gains > 0).mean()),
        }
    return found


def _protocol(name: str) -> SRProtocol:
    if name not in PROTOCOLS:
        raise BadOption(f"There is no protocol '{name}'.", f"Protocols: {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]


def _chosen(
    card: ModelCard, rule: SRProtocol, variant: str, seeds: int | None
) -> tuple[Weights, ...]:
    """The recorded weights of a protocol, by seed.

    Raises:
        WeightsMissing: there are none, or they were tested on other images.
    """
    found = {w.seed: w for w in card.weights if w.id == weights_id(rule.name, w.seed, variant)}
    wanted = sorted(found) if seeds is None else list(range(seeds))
    lacking = [seed for seed in wanted if seed not in found]
    if lacking or not found:
        missing = lacking[0] if lacking else 0
        raise WeightsMissing(
            f"{card.title} has no weights '{weights_id(rule.name, missing, variant)}'.",
            f"Train them with: python -m rsviz train {card.id} --protocol {rule.name} "
            f"--seed {missing}",
        )
    stale = [w.id for w in found.values() if w.metrics.get("truth") != rule.fingerprint()]
    if stale:
        raise WeightsMissing(f"{', '.join(stale)} were tested on other images.")
    return tuple(found[seed] for seed in wanted)
