"""Commands that compute with models: run, eval, train."""

from __future__ import annotations

import hashlib
import inspect
import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from rsviz.cli.output import Answer, Progress, table
from rsviz.core import changes, metrics, registry
from rsviz.core.errors import BadOption, SceneMismatch
from rsviz.core.grid import Window
from rsviz.core.model import Change, Result
from rsviz.core.options import build
from rsviz.core.run import Ask
from rsviz.core.run import run as run_model
from rsviz.core.scene import Scene

CHECKPOINTS = Path(".rsviz/checkpoints")


def run(args: Namespace) -> Answer:
    """Run a model on a scene, or repeat the run of a record; score it where truth is known."""
    from rsviz.evaluate.changes import apply
    from rsviz.evaluate.judge import judge
    from rsviz.io.export import record_of, write_result

    before = _read_record(args) if args.record else None
    ask = _repeated(before, args.device) if before else _asked(args)
    scene = apply(_read(ask), ask.changes, ask.seed)
    if before and scene.id != before["scene_id"]:
        raise SceneMismatch(
            f"The scene '{ask.scene_ref}' is not the one of the record: its content has hash "
            f"{scene.id[:12]}…, the record says {before['scene_id'][:12]}….",
            "Restore the file the record was made from.",
        )
    result = judge(run_model(scene, ask, Progress()), scene)
    record = record_of(result)
    names = ("model", "weights", "weights_sha256", "options", "wants", "scene_ref", "scene_name")
    data = {name: record[name] for name in names} | {
        "metrics": record["metrics"],
        "seconds": record["seconds"],
        "peak_memory_mb": record["peak_memory_mb"],
        "device": record["device"],
        "seeds": [_training_seed(result)],
        "notes": record["notes"],
        "layers": record["layers"],
    }
    if before and "layers" in before:
        differing = [n for n, found in data["layers"].items() if found != before["layers"].get(n)]
        data |= {"same": not differing, "differing": differing}
    if args.out:
        data["files"] = [str(path) for path in write_result(result, scene, Path(args.out))]
    return Answer(data, _told(data))


def _asked(args: Namespace) -> Ask:
    """What the arguments ask for."""
    from rsviz.nn.device import resolve

    if not args.model or not args.scene:
        raise BadOption(
            "A model and a scene are needed.",
            "For example: python -m rsviz run mamba_moe --scene indian-pines",
        )
    card = registry.card(args.model)
    wants = tuple(card.on_request) if "all" in args.want else tuple(args.want)
    unknown = [name for name in wants if name not in card.on_request]
    if unknown:
        raise BadOption(
            f"{card.title} has no layer '{unknown[0]}' on request.",
            f"There are: {', '.join(card.on_request) or 'none'}.",
        )
    return Ask(
        model=card.id,
        weights=_weights(args.weights),
        options=build(card.options, dict(args.set)),
        wants=wants,
        device=resolve(args.device),
        scene_ref=args.scene,
        scene_variable=args.variable,
        scene_axes=args.axes,
        changes=tuple(_change(text) for text in args.change),
    )


def _weights(wanted: str) -> str:
    """An id of weights, or the absolute path of a folder that holds some."""
    return str(Path(wanted).resolve()) if wanted and Path(wanted).is_dir() else wanted


def _read_record(args: Namespace) -> dict[str, Any]:
    """The record.json that is to be repeated, as plain data."""
    if args.model or args.scene or args.set or args.want or args.weights or args.change:
        raise BadOption("--record says all; leave out model, scene, options, layers and weights.")
    file = args.record
    needed = ("model", "weights", "weights_sha256", "options", "seed", "wants", "device")
    try:
        record = json.loads(Path(file).read_text(encoding="utf8"))
        missing = [n for n in (*needed, "scene_ref", "scene_id") if n not in record]
    except (OSError, ValueError, TypeError) as error:
        raise BadOption(f"'{file}' cannot be read as a record of a run ({error}).") from None
    if not isinstance(record, dict) or missing:
        raise BadOption(f"'{file}' is not the record of a run: {', '.join(missing)} is missing.")
    return record


def _repeated(record: dict[str, Any], device: str) -> Ask:
    """The question of a record, on the device it was answered on unless another is named."""
    from rsviz.nn.device import resolve

    if not record["scene_ref"]:
        raise BadOption("The record does not say how its scene was opened; it cannot be repeated.")
    card = registry.card(record["model"])
    stored = card.named(record["weights"])
    if stored is not None and stored.sha256 != record["weights_sha256"]:
        raise BadOption(
            f"The weights '{stored.id}' have changed since the record was made: their hash is "
            f"{stored.sha256[:12]}…, the record says {record['weights_sha256'][:12]}…."
        )
    window = record.get("scene_window")
    return Ask(
        model=card.id,
        weights=record["weights"],
        options=build(card.options, record["options"]),
        seed=record["seed"],
        wants=tuple(record["wants"]),
        device=resolve(record["device"] if device == "auto" else device),
        scene_ref=record["scene_ref"],
        scene_variable=record.get("scene_variable", ""),
        scene_axes=record.get("scene_axes", ""),
        scene_window=Window(**window) if window else None,
        changes=tuple(Change(**change) for change in record.get("changes", ())),
    )


def _change(text: str) -> Change:
    """A change of the scene from 'noise:sigma=0.05,...'."""
    name, _, rest = text.partition(":")
    pairs = [part.partition("=") for part in rest.split(",") if part]
    return changes.checked(Change(name, {key: value for key, _, value in pairs}))


def _read(ask: Ask) -> Scene:
    """The scene of a question, in memory."""
    from rsviz.jobs.readers import opened

    with opened(ask.scene_ref, ask.scene_variable, ask.scene_axes) as source:
        return source.read(ask.scene_window)


def _training_seed(result: Result) -> int:
    """The seed with which the weights of a run were trained; the run's own without weights."""
    weights = registry.card(result.record.model).named(result.record.weights)
    return weights.seed if weights is not None else result.record.seed


def _told(data: dict[str, Any]) -> str:
    """A run in a few lines."""
    lines = [
        f"{data['model']} on {data['scene_name']}: {data['seconds']:.2f} s on {data['device']}"
    ]
    if data["metrics"]:
        lines.append(_scores(data["metrics"]))
    if "same" in data:
        differing = f"The result differs in: {', '.join(data['differing'])}."
        lines.append("The result is the same." if data["same"] else differing)
    return "\n".join([*lines, *data["notes"], *data.get("files", ())])


def evaluate(args: Namespace) -> Answer:
    """Score committed weights under a protocol, beside baselines; trains no card's model."""
    from rsviz.evaluate.families import family_of
    from rsviz.nn.device import resolve

    if args.table and not args.protocol:
        args.protocol = "rfmip-sites"
    if not args.protocol:
        raise BadOption("A protocol is missing.", "Say --protocol NAME.")
    family = family_of(args.protocol)
    if args.table:
        return _of_table(args, resolve(args.device))
    pairing = {"against": args.against} if args.against else {}
    if pairing and "against" not in inspect.signature(family.evaluate).parameters:
        raise BadOption(f"Models are not compared in pairs under the protocol '{args.protocol}'.")
    found = family.evaluate(
        args.model,
        args.protocol,
        resolve(args.device),
        Progress(),
        seeds=args.seeds,
        variant=args.variant,
        quick=args.quick,
        **pairing,
    )
    if args.record:
        from rsviz.evaluate.summaries import keep

        keep(found)
    return _scored(args, found)


def _of_table(args: Namespace, device: str) -> Answer:
    """Score committed weights on measurements of a file."""
    from rsviz.evaluate import temperature

    if args.protocol not in temperature.PROTOCOLS:
        raise BadOption(f"The protocol '{args.protocol}' takes no table of measurements.")
    found = temperature.evaluate(
        args.model,
        args.protocol,
        device,
        Progress(),
        variant=args.variant,
        table_file=Path(args.table),
    )
    return _scored(args, found)


def _scored(args: Namespace, found: dict[str, Any]) -> Answer:
    """Scores as data and as a table."""
    columns = metrics.shown(found["metrics"])
    scored = {args.model: found["metrics"] | {"spread": found["spread"]}} | found["baselines"]
    rows = [(name, *(_cell(key, m) for key in columns)) for name, m in scored.items()]
    counts = (
        f"{args.protocol}: {found['n_train']} for training and {found['n_test']} for the test, "
        f"seeds {', '.join(map(str, found['seeds']))}, {found['device']}, {found['seconds']:.0f} s"
    )
    heads = ("", *(metric.head for metric in columns.values()))
    return Answer(found, "\n".join([counts, table(heads, rows), *_compared(found)]))


def _compared(found: dict[str, Any]) -> list[str]:
    """McNemar's tests and the overlap of training and test, in sentences."""
    lines = [
        f"McNemar against {name}, seed {test['seed']}: {test['only_a']} pixels right only here, "
        f"{test['only_b']} only there, p = {test['p']:.2g}"
        for name, tests in found.get("paired", {}).items()
        for test in tests[:1]
    ]
    warning = found.get("overlap", {}).get(found["model"], {}).get("warning")
    return [*lines, *([warning] if warning else [])]


def _cell(key: str, scores: dict[str, Any]) -> str:
    """A score with its spread, as far as there are such."""
    if scores.get(key) is None:
        return ""
    return metrics.METRICS[key].text(scores[key], scores.get("spread", {}).get(key))


def train(args: Namespace) -> Answer:
    """Train a model under a protocol and record the weights with their test scores."""
    from rsviz.evaluate.families import family_of
    from rsviz.evaluate.records import weights_id
    from rsviz.nn.device import resolve

    settings = dict(args.set)
    name = f"{args.model}/{weights_id(args.protocol, args.seed, args.variant)}"
    key = hashlib.sha256(repr(sorted(settings.items())).encode()).hexdigest()[:8]
    checkpoint = CHECKPOINTS / f"{name.replace('/', '-')}-{key}.ckpt"
    if args.restart:
        checkpoint.unlink(missing_ok=True)
    record = family_of(args.protocol).train_and_record(
        args.model,
        args.protocol,
        args.seed,
        resolve(args.device),
        settings,
        Progress(),
        variant=args.variant,
        keep_file=not args.no_file,
        checkpoint=checkpoint,
    )
    seconds = record["metrics"]["training_seconds"]
    return Answer(record, f"{name}: {_scores(record['metrics'])}; trained in {seconds:.0f} s")


def calibrate(args: Namespace) -> Answer:
    """Calibrate committed weights with training pixels that a second training leaves out."""
    from rsviz.evaluate.held_out import calibrate as fit
    from rsviz.evaluate.records import weights_id
    from rsviz.nn.device import resolve

    name = f"{args.model}/{weights_id(args.protocol, args.seed, args.variant)}"
    checkpoint = CHECKPOINTS / f"{name.replace('/', '-')}-calibration.ckpt"
    device, progress = resolve(args.device), Progress()
    found = fit(
        args.model,
        args.protocol,
        args.seed,
        device,
        progress,
        variant=args.variant,
        checkpoint=checkpoint,
    )
    text = f"{name}: temperature {found['temperature']:.2f} from {found['n_validation']} pixels"
    return Answer(found, text)


def _scores(found: dict[str, Any]) -> str:
    """The scores of a run in words."""
    words = [
        f"{metric.name} {metric.text(found[key])} {metric.unit}".rstrip()
        for key, metric in metrics.shown(found).items()
    ]
    tested = f" on {found['n_test']} test pixels" if "n_test" in found else ""
    return ", ".join(words) + tested
