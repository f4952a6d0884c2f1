"""Commands that look after an installation: doctor and fsck."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from rsviz.cli.output import Answer
from rsviz.core.errors import RsvizError


def doctor(args: Namespace) -> Answer:
    """Say what this machine is, how readers are locked, and what is weak.

    Raises:
        RsvizError: a probe file got through.
    """
    from rsviz.jobs.doctor import examine, machine, settings_here

    found = examine(settings_here())
    lines = [
        f"profile     {found.profile.name}: {found.profile.about}",
        f"machine     {machine()}",
        "versions    " + ", ".join(f"{name} {v}" for name, v in found.versions.items()),
        "readers     " + ", ".join(f"{name} ({v})" for name, v in found.drivers.items()),
        f"protection  {found.protection}",
        *(
            f"probe       {what}: {'refused. ' + told if told else 'OPENED'}"
            for what, told in found.probes.items()
        ),
        *(f"weak        {sentence}" for sentence in found.weak or ("nothing",)),
    ]
    through = [what for what, told in found.probes.items() if not told]
    if through:
        raise RsvizError("\n".join(lines), "A probe file got through: open no files of others.")
    data = asdict(found)
    data["profile"] = found.profile.name
    return Answer(data, "\n".join(lines))


def fsck(args: Namespace) -> Answer:
    """Check everything that is kept on disk: results, weights, what killed processes left.

    Raises:
        RsvizError: committed weights are damaged.
    """
    from rsviz.jobs.upkeep import check

    found = check(args.keep)
    lines = [
        f"results     {found.results} sound, {found.damaged} damaged"
        + ("" if args.keep else " (removed; they are computed again when asked for)"),
        f"baselines   {found.baselines} sound, {found.damaged_baselines} damaged",
        f"leftovers   {len(found.leftovers)}" + ("" if args.keep else " (removed)"),
        f"weights     {found.weights} sound",
        *(f"DAMAGED     {sentence}" for sentence in found.weights_damaged),
    ]
    if found.weights_damaged:
        raise RsvizError("\n".join(lines))
    return Answer(asdict(found), "\n".join(lines))
