"""The report of errors: one HTML file with figures, tables and records, and no code at all."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rsviz.analysis import judged as judging
from rsviz.analysis import regions
from rsviz.analysis.comparison import Comparison
from rsviz.analysis.facets import in_words
from rsviz.analysis.judged import TEST
from rsviz.analysis.paired import mcnemar
from rsviz.core.layers import ClassMap, Curve, Table
from rsviz.core.model import Result
from rsviz.core.palettes import colours_of
from rsviz.core.scene import Scene, Truth
from rsviz.draw.colour import Rgba
from rsviz.draw.paint import Style, draw
from rsviz.draw.verdicts import (
    AGREEMENT_COLOURS,
    agreement_map,
    picture,
    veil_strength,
    verdict_map,
)
from rsviz.io.encode import data_uri, encode
from rsviz.io.export import record_of
from rsviz.io.figures import Series, bar, lines, table

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
MEASURED, RIGHT, WRONG = "#3d8bd4", "0, 158, 115", "213, 94, 0"
CONDITIONS = (
    ("true", "By true class"),
    ("edge", "By distance to the edge of the field"),
    ("size", "By labelled pixels of the class"),
    ("decile", "By how sure the model is"),
)
STYLE = Path(__file__).with_name("error_report.css")


@dataclass(frozen=True, eq=False)
class Confused:
    """A confusion with the spectra behind it.

    Attributes:
        true, predicted: classes.
        count: test pixels.
        mean, std: (3, C), or (3, T) of a series: of all of the true class, of all of the predicted
            class, and of the confused pixels.
    """

    true: int
    predicted: int
    count: int
    mean: NDArray[np.float32]
    std: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ErrorStudy:
    """What a report tells of.

    Attributes:
        scene: the bands of its first look are enough.
        image: the scene as an image (H, W, 4).
        bands: wavelengths in nm or band numbers (C,); of a series numbers of its dates (T,).
        band_label: title of their axis.
        truth: reference labels.
        first, second: the results A and B.
        comparison: their test pixels, and what is lit.
        confused: the most frequent confusions among the lit pixels.
        explained: an attribution of a pixel, if there was one.
    """

    scene: Scene
    image: Rgba
    bands: NDArray[np.float32]
    band_label: str
    truth: Truth
    first: Result
    second: Result | None
    comparison: Comparison
    confused: tuple[Confused, ...]
    explained: Result | None


def report(study: ErrorStudy) -> str:
    """The report as the text of an HTML file."""
    parts = [
        _head(study),
        _maps(study),
        *([_pair(study)] if study.second is not None else []),
        _matrix(study),
        _spectra(study),
        _conditions(study),
        _regions(study),
        *([_explanation(study.explained, study)] if study.explained is not None else []),
        _records(study),
    ]
    title = html.escape(f"Errors on {study.scene.name}")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{title}</title><style>{STYLE.read_text('utf8')}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _head(study: ErrorStudy) -> str:
    rows = [_scores("A", study.first)]
    if study.second is not None:
        rows.append(_scores("B", study.second))
    scores = table(
        ("", "Model", "Weights", "Spectra", "OA [%]", "AA [%]", "Kappa", "Test pixels"), rows
    )
    simulated = " The scene is simulated." if study.scene.simulated else ""
    lit = "All test pixels are shown."
    if study.comparison.filtered:
        words = [*in_words(study.comparison.chosen, study.comparison.facets)]
        if (area := study.comparison.area) is not None:
            words.append(
                f"rows {area.row} to {area.row + area.height - 1}, columns {area.col} to "
                f"{area.col + area.width - 1}"
            )
        count, total = int(study.comparison.lit.sum()), study.comparison.lit.size
        lit = f"Shown are {count:,} of {total:,} test pixels: {'; '.join(words)}."
    text = html.escape(
        f"Measured here with rsviz on test pixels alone; none of them was trained on.{simulated} "
        + lit
    )
    return (
        f"<h1>Where is it wrong, and why? {html.escape(study.scene.name)}</h1><p>{text}</p>{scores}"
    )


def _scores(side: str, result: Result) -> tuple[object, ...]:
    made, scores = result.record, result.metrics
    changes = ", ".join(f"{c.name} {c.settings}" for c in made.changes) or "as they are"
    return (
        side, made.model, made.weights, changes, f"{100 * scores['overall_accuracy']:.2f}",
        f"{100 * scores['average_accuracy']:.2f}", f"{scores['kappa']:.4f}", scores["n_test"],
    )  # fmt: skip


def _maps(study: ErrorStudy) -> str:
    made, sides = study.comparison, [("A", study.first, study.comparison.a)]
    if study.second is not None and made.b is not None:
        sides.append(("B", study.second, made.b))
    figures = [
        _map(study, verdict_map(judged, study.truth, result.split, made.lit, f"Errors of {side}"))
        for side, result, judged in sides
        if result.split is not None
    ]
    if made.b is not None and study.first.split is not None:
        codes = made.facets["agreement"].codes
        figures.append(
            _map(study, agreement_map(made.a, codes, study.truth, study.first.split, made.lit))
        )
    return f'<h2>On the map</h2><div class="row">{"".join(figures)}</div>'


def _map(study: ErrorStudy, layer: ClassMap) -> str:
    """A layer over the scene, with its legend."""
    drawing = draw(layer, Style(strength=veil_strength(layer)))
    height, width = layer.grid.shape
    rows = np.arange(height) * study.image.shape[0] // height
    cols = np.arange(width) * study.image.shape[1] // width
    ground = study.image[np.ix_(rows, cols)].astype(np.float32)
    share = drawing.image[..., 3:].astype(np.float32) / 255
    mixed = drawing.image[..., :3] * share + ground[..., :3] * (1 - share)
    image = np.dstack([mixed.round(), np.full(layer.grid.shape, 255)]).astype(np.uint8)
    size = width * max(1, 480 // max(height, width))
    title = html.escape(layer.title)
    legend = "" if drawing.legend is None else "".join(
        f'<span><i style="background:{e.colour}"></i>{html.escape(e.name)} '
        f"{html.escape(e.note)}</span>"
        for e in drawing.legend.entries
    )  # fmt: skip
    return (
        f'<figure style="width:{size}px"><img width="{size}" alt="{title}" '
        f'src="{data_uri(*encode(image))}"><figcaption><b>{title}</b> '
        f'<div class="legend">{legend}</div></figcaption></figure>'
    )


def _pair(study: ErrorStudy) -> str:
    made = study.comparison
    assert made.b is not None
    found = mcnemar(made.a.right, made.b.right)
    codes = made.facets["agreement"].codes
    names = made.facets["agreement"].bins
    counts = np.bincount(codes, minlength=len(names))
    rows = [
        (name, bar(count / max(1, codes.size), colour), f"{count:,}")
        for name, count, colour in zip(names, counts.tolist(), AGREEMENT_COLOURS, strict=True)
    ]
    test = "binomial" if found.exact else f"chi-square {found.statistic:.2f} with correction"
    text = (
        f"On {codes.size:,} test pixels that both share, only A is right on {found.only_a:,} and "
        f"only B on {found.only_b:,}. McNemar's test ({test}): p = {found.p:.3g}. Neighbouring "
        "pixels are alike, so that the true p is larger."
    )
    return f"<h2>A against B</h2><p>{html.escape(text)}</p>{table(('', '', 'Pixels'), rows)}"


def _matrix(study: ErrorStudy) -> str:
    made = study.comparison
    counts = judging.confusion(made.shown, made.but(("true", "predicted")))
    names = made.shown.labels
    total = np.maximum(1, counts.sum(axis=1, keepdims=True))
    depth = counts / total
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = []
    for i, name in enumerate(names):
        cells = "".join(_cell(counts[i, j], depth[i, j], i == j) for j in range(len(names)))
        body.append(f"<tr><th>{html.escape(name)}</th>{cells}</tr>")
    return (
        f"<h2>Confusion of {made.side}: rows true, columns predicted</h2>"
        f'<table class="matrix"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _cell(count: int, share: float, right: bool) -> str:
    """A cell of the confusion matrix; the deeper, the greater the share of the true class."""
    if not count:
        return "<td></td>"
    depth = 0.1 + 0.7 * (share if right else share**0.5)
    colour = RIGHT if right else WRONG
    return f'<td style="background:rgba({colour},{depth:.2f})">{count}</td>'


def _spectra(study: ErrorStudy) -> str:
    if not study.confused:
        return ""
    names = study.truth.names
    colours = colours_of(study.truth.colours, len(names))
    figures = []
    for one in study.confused:
        true, predicted = names[one.true], names[one.predicted]
        series = [
            Series(f"All of {true}", one.mean[0], colours[one.true], spread=one.std[0]),
            Series(f"All of {predicted}", one.mean[1], colours[one.predicted], spread=one.std[1]),
            Series("The confused pixels", one.mean[2], "#e8710a", "dash"),
        ]
        title = f"{true} taken for {predicted}: {one.count} pixels"
        chart = lines(study.bands, series, study.band_label, "Mean and s.d.", 520, 240)
        figures.append(f"<div><h3>{html.escape(title)}</h3>{chart}</div>")
    what = "Series" if study.scene.shape[0] > 1 else "Spectra"
    return f'<h2>{what} behind the confusions</h2><div class="row">{"".join(figures)}</div>'


def _conditions(study: ErrorStudy) -> str:
    made = study.comparison
    colours = colours_of(study.truth.colours, len(study.truth.names))
    tables = []
    for name, title in CONDITIONS:
        counted = made.tally(name)
        told = "lit" if counted.of_lit else "right"
        rows = [
            (
                label,
                bar(share, colours[i] if name == "true" else MEASURED),
                f"{100 * share:.1f} % of {total:,}",
            )
            for i, (label, share, total) in enumerate(
                zip(made.facets[name].bins, counted.shares, counted.totals.tolist(), strict=True)
            )
            if total
        ]
        tables.append(f"<div><h3>{title}</h3>{table(('', f'share {told}', ''), rows)}</div>")
    return f'<h2>What makes pixels hard</h2><div class="row">{"".join(tables)}</div>'


def _regions(study: ErrorStudy) -> str:
    made = study.comparison
    counted = made.but((), area=False)
    names = made.shown.labels
    figures = []
    for region in regions.worst(made.shown, counted, 8):
        image = data_uri(*encode(picture(study.image, made.shown, counted, region.window)))
        true, predicted = region.most
        text = (
            f"{region.wrong} of {region.tested} wrong, row {region.window.row}, column "
            f"{region.window.col}: {names[true]} → {names[predicted]} ({region.share:.0%})"
        )
        figures.append(
            f'<figure style="width:200px"><img width="200" alt="" src="{image}">'
            f"<figcaption>{html.escape(text)}</figcaption></figure>"
        )
    if not figures:
        return ""
    return f'<h2>Worst regions</h2><div class="row">{"".join(figures)}</div>'


def _explanation(explained: Result, study: ErrorStudy) -> str:
    gradients, occlusion, deletion = (
        cast(Curve, explained.layers[name]) for name in ("gradients", "occlusion", "deletion")
    )
    bands = [
        Series("Integrated gradients", gradients.data[0], MEASURED),
        Series("Occlusion of a group of them", occlusion.data[0], "#e8710a"),
    ]
    colours = (MEASURED, "#e8710a", "#8a8f98")
    removal = [
        Series(name, values, colour, "dash" if "Random" in name else "solid")
        for name, values, colour in zip(deletion.names, deletion.data, colours, strict=False)
    ]
    facts = [
        (name, f"{value:.4g}" if isinstance(value, float) else value)
        for name, value in cast(Table, explained.layers["facts"]).rows
    ]
    return (
        "<h2>Why: the pixel that was explained last</h2>"
        f'<div class="row">{lines(gradients.x, bands, gradients.x_label, gradients.y_label)}'
        f"{lines(deletion.x, removal, deletion.x_label, deletion.y_label, 440)}</div>"
        f"{table(('Quantity', 'Value'), facts)}"
    )


def _records(study: ErrorStudy) -> str:
    results = [("A", study.first), ("B", study.second), ("Explanation", study.explained)]
    texts = [
        f"<details><summary>{side}</summary><pre>"
        f"{html.escape(json.dumps(_plain(result), indent=1, ensure_ascii=False))}</pre></details>"
        for side, result in results
        if result is not None
    ]
    return (
        "<h2>Records</h2><p>Each repeats its run: <code>python -m rsviz run --record FILE --out "
        f"DIR</code></p>{''.join(texts)}"
    )


def _plain(result: Result) -> dict[str, Any]:
    split = result.split
    counts = {} if split is None else {"test_pixels": int((split.data == TEST).sum())}
    return record_of(result) | counts
