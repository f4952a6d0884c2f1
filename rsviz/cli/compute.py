"""Commands that compute: run, eval, train, bench."""

from __future__ import annotations

import hashlib
from argparse import Namespace
from pathlib import Path

from rsviz.cli.output import Progress, answer

CHECKPOINTS = Path(".rsviz/checkpoints")


def train(args: Namespace) -> None:
    """Train a model under a protocol and record the weights with their test scores."""
    from rsviz.evaluate.training import train_and_record, weights_id
    from rsviz.nn.device import resolve

    settings = dict(args.set)
    name = f"{args.model}/{weights_id(args.protocol, args.seed, args.variant)}"
    key = hashlib.sha256(repr(sorted(settings.items())).encode()).hexdigest()[:8]
    checkpoint = CHECKPOINTS / f"{name.replace('/', '-')}-{key}.ckpt"
    if args.restart:
        checkpoint.unlink(missing_ok=True)
    record = train_and_record(
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
    metrics = record["metrics"]
    text = (
        f"{name}: overall accuracy {metrics['overall_accuracy']:.2%}, average "
        f"{metrics['average_accuracy']:.2%}, kappa {metrics['kappa']:.4f} on "
        f"{metrics['n_test']} test pixels; trained in {metrics['training_seconds']:.0f} s."
    )
    answer(record, args.json, text)
