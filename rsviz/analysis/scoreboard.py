"""What was measured of all models beside baselines, from the records that come with the models.

`models/<id>/evaluations.json` holds what `python -m rsviz eval --record` found, by protocol. The
catalogue, the README and the command line show the same boards.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsviz.core.metrics import METRICS, Metric, shown

FILE = "evaluations.json"
BEGIN, END = "<!-- scores: python -m rsviz scores --write README.md -->", "<!-- end of scores -->"

NAMES = {
    "svm_rbf": "RBF-SVM",
    "random_forest": "Random forest",
    "cnn_1d": "1-D CNN",
    "cnn_3d": "3-D CNN",
    "tempcnn": "TempCNN",
    "ltae": "L-TAE",
    "bicubic": "Bicubic",
    "lanczos": "Lanczos",
    "cnn": "CNN of equal size",
    "mlp": "Plain network",
    "gradient_boosting": "Gradient boosting",
    "water_vapour_air_temperature": "Single channel with air temperature",
    "single_channel_refit": "Single channel, refitted",
    "single_channel": "Single channel, published",
    "mono_window": "Mono-window, published",
    "rte_true_atmosphere": "True atmosphere (bound)",
}
"""How baselines are called; others by their key."""

BOUNDS = ("rte_true_atmosphere",)
"""Methods that are told what nobody knows: a limit of what is possible, no rival."""


@dataclass(frozen=True)
class Cell:
    """One method under one protocol: mean over seeds, and their standard deviation if several."""

    mean: float
    spread: float | None
    seeds: int


@dataclass(frozen=True)
class Row:
    """All methods under one protocol.

    Attributes:
        protocol: its name, with the variant of the weights if any.
        simulated: whether its scene was simulated.
        n_train, n_test: samples; means over seeds.
        cells: by method, models first; a method that was not measured is not there.
    """

    protocol: str
    simulated: bool
    n_train: int
    n_test: int
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Board:
    """Protocols whose methods are measured by the same number and beside the same baselines.

    Attributes:
        metric: key of that number in `METRICS`.
        methods: names of the columns by key, models first.
        rows: one a protocol.
    """

    metric: str
    methods: Mapping[str, str]
    rows: tuple[Row, ...]

    @property
    def how(self) -> Metric:
        """How the number is shown."""
        return METRICS[self.metric]

    def best(self, row: Row) -> str:
        """The method with the best mean of a row; a bound is none."""
        sign = 1 if self.how.higher else -1
        rivals = [name for name in row.cells if name not in BOUNDS]
        return max(rivals, key=lambda name: sign * row.cells[name].mean)


def recorded(models: Path) -> list[dict[str, Any]]:
    """All recorded evaluations under the folder of models, model by model."""
    found: list[dict[str, Any]] = []
    for path in sorted(models.glob(f"*/{FILE}")):
        found += json.loads(path.read_text(encoding="utf8")).values()
    return found


def boards(
    evaluations: Iterable[Mapping[str, Any]], titles: Mapping[str, str]
) -> tuple[Board, ...]:
    """Evaluations sorted into tables.

    Args:
        evaluations: as recorded.
        titles: names of the models by id.
    """
    groups: dict[tuple[str, tuple[str, ...]], list[Mapping[str, Any]]] = {}
    for one in evaluations:
        headline = next(iter(shown(one["metrics"])), "")
        if headline:
            groups.setdefault((headline, tuple(one["baselines"])), []).append(one)
    order = list(METRICS)
    found = [
        _board(metric, baselines, group, titles)
        for (metric, baselines), group in sorted(
            groups.items(), key=lambda item: (order.index(item[0][0]), -len(item[1]))
        )
    ]
    return tuple(found)


def _board(
    metric: str,
    baselines: Sequence[str],
    group: Sequence[Mapping[str, Any]],
    titles: Mapping[str, str],
) -> Board:
    models = dict.fromkeys(one["model"] for one in group)
    by_row: dict[str, list[Mapping[str, Any]]] = {}
    for one in group:
        by_row.setdefault(name_of(one), []).append(one)
    rows = []
    for name, ones in by_row.items():
        most = max(ones, key=lambda one: len(one["seeds"]))
        cells = {one["model"]: _cell(metric, one["metrics"], one["spread"], one) for one in ones}
        for key in baselines:
            scores = most["baselines"][key]
            if metric in scores:
                cells[key] = _cell(metric, scores, scores.get("spread", {}), most)
        simulated = bool(most.get("simulated"))
        rows.append(Row(name, simulated, int(most["n_train"]), int(most["n_test"]), cells))
    methods = {name: titles.get(name, name) for name in models}
    methods |= {key: NAMES.get(key, key.replace("_", " ")) for key in baselines}
    return Board(metric, methods, tuple(rows))


def name_of(one: Mapping[str, Any]) -> str:
    """A protocol with the variant of the weights, if any."""
    variant = one.get("variant", "")
    return f"{one['protocol']} ({variant})" if variant else str(one["protocol"])


def _cell(
    metric: str, scores: Mapping[str, Any], spread: Mapping[str, Any], one: Mapping[str, Any]
) -> Cell:
    seeds = len(one["seeds"])
    return Cell(float(scores[metric]), spread.get(metric) if seeds > 1 else None, seeds)


def markdown(found: Sequence[Board]) -> str:
    """Boards as Markdown tables, the best of a row in bold."""
    parts = []
    for board in found:
        how = board.how
        unit = f" in {how.unit}" if how.unit else ""
        parts.append(f"{how.name[0].upper()}{how.name[1:]}{unit}:\n")
        parts.append(_line(("protocol", "train / test", *board.methods.values())))
        parts.append("|" + "---|" * (2 + len(board.methods)))
        for row in board.rows:
            cells = [_text(board, row, name) for name in board.methods]
            name = f"`{row.protocol}`" + (" (simulated)" if row.simulated else "")
            parts.append(_line((name, f"{row.n_train:,} / {row.n_test:,}", *cells)))
        parts.append("")
    return "\n".join(parts).strip()


def _text(board: Board, row: Row, name: str) -> str:
    cell = row.cells.get(name)
    if cell is None:
        return ""
    text = board.how.text(cell.mean, cell.spread)
    seeds = f" ({cell.seeds})" if cell.seeds not in (1, 5) and name in row.cells else ""
    return f"**{text}**{seeds}" if name == board.best(row) else text + seeds


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def written_into(text: str, table: str) -> str:
    """A text with the table between its marks.

    Raises:
        ValueError: the marks are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the marks {BEGIN} and {END} are missing")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"
