"""The family of models that tell the temperature of the ground from one thermal band.

Measurements are simulated through the table of atmospheres (`rsviz.physics.atmospheres`). Test
sites are never trained on, and nothing is chosen by them: a training ends with its last epoch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.core import registry
from rsviz.core.card import ModelCard, Weights
from rsviz.core.errors import BadOption, WeightsMissing
from rsviz.core.grid import Grid
from rsviz.core.layers import ScalarMap
from rsviz.core.model import OnStep
from rsviz.core.options import build
from rsviz.core.run import Ask, run
from rsviz.core.scene import Band, Scene
from rsviz.evaluate import records
from rsviz.evaluate.heat.baselines import BASELINES
from rsviz.evaluate.heat.protocols import PROTOCOLS, HeatProtocol, region_names
from rsviz.evaluate.heat.scores import mean_scores, scores, spread_of
from rsviz.evaluate.heat.tables import read_table
from rsviz.evaluate.records import Record, weights_id
from rsviz.physics.atmospheres import LEVELS, Errors, Measurements
from rsviz.physics.thermal_bands import BANDS, ThermalBand

__all__ = ["PROTOCOLS", "evaluate", "train_and_record"]

Floats = NDArray[np.float64]
BAND = BANDS["landsat-8-b10"]
"""The band whose scores are the headline."""
DATA = (
    "simulated by LOWTRAN 7 from the profiles of RFMIP-IRF (CMIP6, 100 sites, 60 variations each); "
    "rsviz/physics/atmospheres.npz"
)
LICENCE = (
    "data: derived from RFMIP input4MIPs (UColorado-RFMIP-1-2), CC BY-SA 4.0; weights: Apache-2.0"
)
TRUE_AIR = "rte_true_atmosphere"
"""The method that asks for what a table from elsewhere does not tell."""
WIDTH = 256
REFLECTING = 0.2


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
    """Train a model on the training sites of a protocol and record weights and test scores.

    Without a file only the band of the headline is trained.
    """
    card, rule = registry.card(model_id), _protocol(protocol_name)
    bands = list(BANDS.values()) if keep_file else [BAND]
    known = {band.id: rule.training(band, seed) for band in bands}
    trained = _trainer(card)(known, seed, settings, checkpoint, device, on_step)
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
        "bands": 0,
        "config": trained.config,
        "parameters": trained.parameters,
        "recipe": " ".join(words),
        "data": DATA,
        "licence": LICENCE,
        "measured_on": "",
        "metrics": {
            "protocol_version": rule.version,
            "truth": rule.fingerprint(),
            "training_seconds": round(trained.seconds, 1),
            "n_train": len(known[BAND.id]),
        },
    }
    record["file"] = f"{record['id'].replace('/', '-')}.safetensors"
    record["sha256"] = records.save(trained, record, folder / record["file"])
    records.put(folder, record)
    registry.reread()
    record["metrics"] |= records.rounded(measured(card.id, record["id"], rule, seed, device))
    record["measured_on"] = records.measured_on(device)
    if not keep_file:
        (folder / record["file"]).unlink()
        record["file"] = ""
        record["recipe"] += " --no-file"
    records.put(folder, record)
    registry.reread()
    return record


def measured(
    model_id: str, weights: str, rule: HeatProtocol, seed: int, device: str
) -> dict[str, Any]:
    """Scores of stored weights on the test sites of a seed."""

    def answer(known: Measurements, errors: Errors) -> Floats:
        return predicted(model_id, weights, known, BAND, errors, device)

    return rule_scores(answer, rule, seed)


def rule_scores(
    answer: Callable[[Measurements, Errors], Floats], rule: HeatProtocol, seed: int
) -> dict[str, Any]:
    """Scores of anything that answers with temperatures: all, by site, by water, by error level."""
    known = rule.test(BAND, seed, Errors())
    found = scores(answer(known, Errors()), known)
    levels = {}
    for name, errors in LEVELS.items():
        looked = rule.test(BAND, seed, errors)
        levels[name] = scores(answer(looked, errors), looked, parts=False)
    return found | {"levels": levels}


def predicted(
    model_id: str,
    weights: str,
    known: Measurements,
    band: ThermalBand,
    errors: Errors,
    device: str,
) -> Floats:
    """Temperatures that a card's model gives for measurements, through `core.run`.

    Measurements become pixels of a scene with bands for everything that is known of them.
    """
    card = registry.card(model_id)
    count = len(known)
    rows = -(-count // WIDTH)
    layers = (
        np.full(count, REFLECTING),
        np.full(count, REFLECTING),
        known.brightness_temperature_k,
        known.water_vapour_g_cm2,
        known.air_temperature_k,
        known.emissivity,
        known.view_angle_deg,
    )
    pixels = np.zeros((len(layers), rows * WIDTH), np.float32)
    pixels[:, :count] = layers
    valid = np.arange(rows * WIDTH) < count
    scene = Scene(
        pixels.reshape(1, len(layers), rows, WIDTH),  # (C, H*W) -> (1, C, H, W)
        valid.reshape(1, rows, WIDTH),
        (
            Band("red", 655.0),
            Band("near infrared", 865.0),
            Band("thermal", band.centre_nm),
            Band("water vapour"),
            Band("air temperature"),
            Band("emissivity"),
            Band("view angle"),
        ),
        Grid(rows, WIDTH),
        "reflectance_and_temperature",
        simulated=True,
        name="measurements",
    )
    given = {
        "water_error_percent": 100 * errors.water_share,
        "air_error_k": errors.air_k,
    }
    result = run(scene, Ask(model_id, weights, build(card.options, given), device=device))
    layer = result.layers["temperature"]
    assert isinstance(layer, ScalarMap)
    return layer.data.reshape(-1)[:count].astype(np.float64)


def evaluate(
    model_id: str,
    protocol_name: str,
    device: str,
    on_step: OnStep,
    *,
    seeds: int | None = None,
    variant: str = "",
    quick: bool = False,
    table_file: Path | None = None,
) -> dict[str, Any]:
    """Score committed weights beside classical methods and other learners on the same sites.

    Weights with a file are run again; of those without one the recorded figures count. All other
    methods are fitted anew to the training sites of each seed.

    Args:
        model_id: which card.
        protocol_name: which split.
        device: torch device name, resolved.
        on_step: called with (done, total, what).
        seeds: use seeds 0..seeds-1; all that are recorded by default.
        variant: of the weights.
        quick: seed 0 alone.
        table_file: score on the measurements of this file instead of the test sites.

    Raises:
        BadOption: there is no such protocol, or the file is no table of measurements.
        WeightsMissing: there are no such weights.
    """
    started = time.perf_counter()
    card, rule = registry.card(model_id), _protocol(protocol_name)
    chosen = _chosen(card, rule, variant, 1 if quick else seeds)
    elsewhere = None if table_file is None else read_table(table_file)
    if elsewhere is not None:
        chosen = tuple(w for w in chosen if w.file) or chosen[:1]
    runs: list[dict[str, Any]] = []
    others: dict[str, list[dict[str, Any]]] = {name: [] for name in rule.baselines}
    each = 1 + len(rule.baselines)
    steps = len(chosen) * each
    for done, weights in enumerate(chosen):
        on_step(done * each, steps, f"{card.title}, seed {weights.seed}")
        if elsewhere is not None:
            found = scores(
                predicted(model_id, weights.id, elsewhere, BAND, Errors(), device), elsewhere
            )
        elif weights.file:
            found = measured(model_id, weights.id, rule, weights.seed, device)
        else:
            found = weights.metrics
        runs.append({"seed": weights.seed} | found)
        known = rule.training(BAND, weights.seed)
        for at, name in enumerate(rule.baselines):
            on_step(done * each + 1 + at, steps, f"{name}, seed {weights.seed}")
            if elsewhere is not None and name == TRUE_AIR:
                continue
            method = BASELINES[name](known, weights.seed)
            if elsewhere is not None:
                others[name].append(scores(method(elsewhere, Errors()), elsewhere))
            else:
                others[name].append(rule_scores(method, rule, weights.seed))
    return {
        "model": card.id,
        "protocol": rule.name,
        "protocol_version": rule.version,
        "variant": variant,
        "simulated": True,
        "table": "" if table_file is None else table_file.name,
        "scene": rule.scene,
        "about": rule.about,
        "metrics": mean_scores(runs),
        "spread": spread_of(runs),
        "n_train": len(rule.training(BAND, chosen[0].seed)),
        "n_test": len(elsewhere) if elsewhere is not None else len(rule.test(BAND, 0, Errors())),
        "seeds": [w.seed for w in chosen],
        "measured": [w.seed for w in chosen if w.file],
        "runs": runs,
        "by_seed": [[run[key] for key in ("rmse_k", "mae_k", "bias_k", "n_test")] for run in runs],
        "regions": [region_names()[w.seed] for w in chosen] if rule.split == "continents" else [],
        "baselines": {
            name: mean_scores(found) | {"spread": spread_of(found), "by_site": []}
            for name, found in others.items()
            if found
        },
        "seconds": round(time.perf_counter() - started, 3),
        "device": device,
    }


def _protocol(name: str) -> HeatProtocol:
    if name not in PROTOCOLS:
        raise BadOption(f"There is no protocol '{name}'.", f"Protocols: {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]


def _trainer(card: ModelCard) -> Callable[..., Any]:
    from rsviz.evaluate.training import trainer_of

    return trainer_of(card)


def _chosen(
    card: ModelCard, rule: HeatProtocol, variant: str, seeds: int | None
) -> tuple[Weights, ...]:
    """The recorded weights of a protocol, by seed.

    Raises:
        WeightsMissing: there are none, or they were tested on another table.
    """
    found = {w.seed: w for w in card.weights if w.id == weights_id(rule.name, w.seed, variant)}
    wanted = sorted(found) if seeds is None else range(seeds)
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
        raise WeightsMissing(f"{', '.join(stale)} were tested on another table of atmospheres.")
    return tuple(found[seed] for seed in wanted)
