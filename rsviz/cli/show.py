"""Commands that look: scenes, models, describe."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from rsviz.analysis import scoreboard
from rsviz.cli.output import Answer, table
from rsviz.core import registry
from rsviz.core.card import ModelCard
from rsviz.core.errors import BadOption


def scenes(args: Namespace) -> Answer:
    """List the scenes that can be opened by their id."""
    from rsviz.io import catalog

    found = [
        {
            "id": entry.id,
            "title": entry.title,
            "origin": entry.origin,
            "simulated": entry.simulated,
            "path": str(entry.path),
            "about": entry.about,
            "licence": entry.licence,
        }
        for entry in catalog.scenes()
    ]
    rows = [(s["id"], s["title"], s["origin"]) for s in found]
    return Answer(found, table(("id", "title", "origin"), rows))


def models(args: Namespace) -> Answer:
    """List the models with what they take, give, and their weights."""
    cards = registry.cards().values()
    rows = [(c.id, c.title, c.task, sum(bool(w.file) for w in c.weights)) for c in cards]
    text = table(("id", "title", "task", "weights"), rows)
    return Answer([_model(c) for c in cards], text)


def _model(card: ModelCard) -> dict[str, object]:
    return {
        "id": card.id,
        "title": card.title,
        "task": card.task,
        "summary": card.summary,
        "paper": card.paper.reference,
        "emits": card.emits,
        "on_request": card.on_request,
        "weights": [
            {
                "id": w.id,
                "scene": w.scene,
                "protocol": w.protocol,
                "seed": w.seed,
                "file": w.file,
                "sha256": w.sha256,
                "parameters": w.parameters,
                "metrics": w.metrics,
                "recipe": w.recipe,
                "licence": w.licence,
            }
            for w in card.weights
        ],
        "limits": card.limits,
        "departures": card.departures,
    }


def protocols(args: Namespace) -> Answer:
    """List the protocols of all families: who may see which samples, and who is measured."""
    from rsviz.evaluate import families

    found = [
        {
            "name": rule.name,
            "version": rule.version,
            "scene": rule.scene,
            "about": rule.about,
            "recorded": {
                card.id: sorted(w.seed for w in card.weights if w.protocol == rule.name)
                for card in registry.cards().values()
            },
        }
        for rule in families.protocols().values()
    ]
    rows = [
        (
            p["name"],
            p["version"],
            p["scene"],
            ", ".join(m for m, seeds in p["recorded"].items() if seeds),
        )
        for p in found
    ]
    return Answer(found, table(("name", "version", "scene", "models"), rows))


def scores(args: Namespace) -> Answer:
    """Show what was recorded of all models beside baselines, as Markdown tables."""
    titles = {card.id: card.title for card in registry.cards().values()}
    evaluations = scoreboard.recorded(registry.MODELS)
    found = scoreboard.boards(evaluations, titles)
    table_text = scoreboard.markdown(found)
    if args.write:
        path = Path(args.write)
        try:
            text = scoreboard.written_into(path.read_text(encoding="utf8"), table_text)
        except (OSError, ValueError) as error:
            raise BadOption(f"The scores cannot be written into '{path}': {error}.") from None
        path.write_text(text, encoding="utf8")
    return Answer([asdict(board) for board in found], table_text)


def describe(args: Namespace) -> Answer:
    """Say what a file holds, without reading its pixels."""
    from rsviz.jobs.readers import opened

    with opened(args.file, args.variable, args.axes) as source:
        found = source.describe()
    t, c, h, w = found.shape
    nm = found.wavelengths_nm
    lines = [
        f"{found.name} ({found.driver})",
        f"{h} rows x {w} columns, {c} bands, {t} date{'s' if t > 1 else ''}, {found.dtype}, "
        f"{found.quantity}",
        f"wavelengths {min(nm):.0f} to {max(nm):.0f} nm" if nm else "wavelengths not given",
        f"coordinates {found.grid.crs}" if found.grid.crs else "no map coordinates",
        *found.notes,
    ]
    return Answer(asdict(found), "\n".join(lines))
