"""Judging a super-resolved image: beside bicubic and Lanczos, with the truth and without it.

With the truth (a scene that was made coarser here) there are the usual scores. Without it, the
result is made coarse again and compared with the input; that is consistency, not accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.core import changes, registry
from rsviz.core.layers import Layer, ScalarMap, SRImage, Table
from rsviz.core.metrics import METRICS
from rsviz.core.model import Result
from rsviz.core.scene import UNITS, Band, Scene
from rsviz.evaluate import image_quality as quality
from rsviz.evaluate.degrade import filled
from rsviz.evaluate.power_spectrum import power_curve
from rsviz.physics.degradation import Degradation
from rsviz.physics.resample import resize

Floats = NDArray[np.float32]

BASELINES = ("bicubic", "lanczos")
SCORED = ("psnr_db", "ssim", "gmsd", "sam_deg", "ergas", "detail_agreement", "consistency_db")
MOST_BYTES = 96 * 2**20  # baselines larger than this are kept in three bands only


@dataclass(frozen=True, eq=False)
class Case:
    """What there is to judge by.

    Attributes:
        scene: the input of the run.
        image: the result.
        name: of the result's layer.
        truth: (C, H, W) what it should be; None where nobody knows.
        degradation: how an image as fine as the result becomes as coarse as the input.
    """

    scene: Scene
    image: SRImage
    name: str
    truth: Floats | None
    degradation: Degradation

    @property
    def scale(self) -> int:
        return self.image.scale

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """(H, W) where the result says anything."""
        return np.asarray(np.isfinite(self.image.data).all(axis=0))

    @cached_property
    def source(self) -> Floats:
        """The input (C, h, w), gaps filled."""
        return filled(self.scene.pixels[0], self.scene.valid[0])

    @cached_property
    def peak(self) -> float:
        """The greatest value that counts as such in PSNR and SSIM."""
        if self.scene.quantity == "reflectance":
            return 1.0
        known = self.source if self.truth is None else self.truth
        most = float(np.nanmax(known, initial=0))
        return 255.0 if self.scene.quantity == "dn" and 1 < most <= 255 else max(most, 1e-6)

    def brightness(self, image: Floats) -> Floats:
        """One plane (H, W): luma of three bands, the mean of the usable ones otherwise."""
        if len(self.scene.bands) == 3:
            return quality.luma(image[_red_green_blue(self.scene.bands)], self.peak)
        good = [i for i, band in enumerate(self.scene.bands) if band.good] or slice(None)
        return np.asarray(image[good].mean(axis=0), np.float32)


def review_result(result: Result, scene: Scene) -> Result:
    """Score a super-resolved image and add what there is to see about it.

    Args:
        result: a run on this scene of a model that always gives an image.
        scene: the input, with the reference where it was made coarser here.

    Returns:
        The result with metrics and, beside its own layers, baselines, maps, spectrum and a table
        of scores; unchanged when the image has other bands or no whole-number scale.
    """
    case = _case(result, scene)
    if case is None:
        return result
    images = {case.name: case.image.data} | {
        kernel: _baseline(case, kernel) for kernel in BASELINES
    }
    scores = {name: _scores(case, image) for name, image in images.items()}
    metrics: dict[str, Any] = scores[case.name] | {
        "peak": case.peak,
        "has_truth": case.truth is not None,
        "baselines": {name: scores[name] for name in BASELINES},
        "others": _others(case, result),
    }
    added: dict[str, Layer] = {"input": _input(case)}
    added |= {name: _as_layer(case, name, images[name]) for name in BASELINES}
    added |= _maps(case, images) | {
        "power_spectrum": power_curve(_planes(case, images), case.scale),
        "scores": _table(case, scores),
    }
    judged = replace(case.image, reference=case.truth)
    layers = added | result.layers | {case.name: judged}
    order = [*result.layers, *(name for name in added if name not in result.layers)]
    return replace(result, layers={name: layers[name] for name in order}, metrics=metrics)


def _case(result: Result, scene: Scene) -> Case | None:
    """What there is to judge; None when the image cannot be set against its input."""
    emits = registry.card(result.record.model).emits
    name = next(name for name, kind in emits.items() if kind == SRImage.kind)
    image = result.layers[name]
    assert isinstance(image, SRImage)
    fits = image.grid.shape == tuple(side * image.scale for side in scene.grid.shape)
    if not fits or len(image.bands) != len(scene.bands):
        return None
    truth = scene.reference
    if truth is not None and truth.shape != image.data.shape:
        truth = None
    blur = 0.0
    for change in result.record.changes:
        if change.name == "degrade":
            settings = changes.checked(change).settings
            blur = float(settings["blur"]) * image.scale / int(settings["scale"])
    degradation = Degradation.of(image.grid.shape, image.scale, blur)
    return Case(scene, image, name, truth, degradation)


def _baseline(case: Case, kernel: str) -> Floats:
    """The input enlarged without any model."""
    return np.where(case.seen, resize(case.source, *case.image.grid.shape, kernel), np.nan)


def _scores(case: Case, image: Floats) -> dict[str, Any]:
    """Scores of one image: against the truth where it is known, against the input always."""
    found: dict[str, Any] = {}
    if case.truth is not None:
        plane, true = case.brightness(image), case.brightness(case.truth)
        pairs = list(zip(image, case.truth, strict=True))
        bands = {
            "psnr_bands": [quality.psnr_db(*pair, case.peak) for pair in pairs],
            "ssim_bands": [quality.ssim(*pair, case.peak) for pair in pairs],
        }
        three = len(image) == 3
        found |= {
            "psnr_db": _psnr(case, image, case.truth),
            "ssim": quality.ssim(plane, true, case.peak) if three else np.mean(bands["ssim_bands"]),
            "gmsd": quality.gmsd(plane, true, case.peak),
        }
        if len(image) > 3:
            found["sam_deg"] = quality.sam_deg(image, case.truth)
            found["ergas"] = quality.ergas(image, case.truth, case.scale)
        found["detail_agreement"] = _agreement(_detail(case, image), _detail(case, case.truth))
        found |= bands
    again = case.degradation.forward(_whole(image))
    return _plain(found | {"consistency_db": quality.psnr_db(*_inside(case, again), case.peak)})


def _others(case: Case, result: Result) -> dict[str, dict[str, Any]]:
    """PSNR of other images that the model gives beside its answer, such as those of fewer steps."""
    found = {}
    for name, layer in result.layers.items():
        if name == case.name or not isinstance(layer, SRImage):
            continue
        if case.truth is not None and layer.data.shape == case.truth.shape:
            found[name] = _plain({"psnr_db": _psnr(case, layer.data, case.truth)})
    return found


def _psnr(case: Case, image: Floats, truth: Floats) -> float:
    """PSNR [dB] of the luma of three bands, of all values otherwise."""
    pair = (image, truth)
    if len(image) == 3:
        pair = case.brightness(image), case.brightness(truth)
    return quality.psnr_db(*pair, case.peak)


def _detail(case: Case, image: Floats) -> Floats:
    """The part of an image (C, H, W) that its coarse copy does not determine."""
    whole = _whole(image)
    return np.where(np.isfinite(image), whole - case.degradation.determined(whole), np.nan)


def _agreement(detail: Floats, true: Floats) -> float:
    """Correlation of two details: 1 all right, 0 unrelated."""
    seen = np.isfinite(detail) & np.isfinite(true)
    one, other = detail[seen].astype(np.float64), true[seen].astype(np.float64)
    size = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / size) if size else float("nan")


def _maps(case: Case, images: dict[str, Floats]) -> dict[str, Layer]:
    """Where the result is wrong, where it contradicts the input, what it cannot owe to it."""
    image, unit = images[case.name], UNITS[case.scene.quantity]
    grid = case.image.grid
    again = case.degradation.forward(_whole(image))
    off = np.abs(again - case.source).mean(axis=0)
    off = np.where(case.scene.valid[0], off, np.nan)
    power = quality.windowed((_detail(case, image) ** 2).mean(axis=0), case.scale / 2)
    detail = np.sqrt(power).astype(np.float32)
    plane = case.brightness(image)
    against = case.brightness(images["bicubic"] if case.truth is None else case.truth)
    title, than = ("Difference to bicubic", "bicubic interpolation: what the model added")
    if case.truth is not None:
        title, than = ("Error", "the truth")
    wrong = plane - against
    found: dict[str, Layer] = {}
    found["difference"] = ScalarMap(
        title, f"Brightness of the result minus that of {than}.",
        grid, wrong, title.lower(), unit, True, _ends(wrong),
    )  # fmt: skip
    if case.truth is not None:
        found["local_psnr"] = ScalarMap(
            "Local PSNR", f"PSNR of brightness in a Gaussian window of {quality.WINDOW_PX:g} px.",
            grid, quality.psnr_map(plane, against, case.peak), "local PSNR", "dB",
        )  # fmt: skip
        found["local_ssim"] = ScalarMap(
            "Local SSIM", f"SSIM of brightness in a Gaussian window of {quality.SIGMA:g} px.",
            grid, quality.ssim_map(plane, against, case.peak), "local SSIM", "", limits=(0.0, 1.0),
        )  # fmt: skip
    found["hallucination"] = ScalarMap(
        "Hallucination: detail beyond the input",
        "Strength (root mean square over bands and about an input pixel) of the part of the result "
        "that vanishes when it is made coarse again: the input can neither confirm nor refute it.",
        grid, detail, "undetermined detail", unit,
    )  # fmt: skip
    found["inconsistency"] = ScalarMap(
        "Contradiction to the input",
        "Mean absolute difference over bands between the result made coarse again and the input.",
        case.scene.grid, off, "inconsistency", unit,
    )  # fmt: skip
    return found


def _ends(signed: Floats) -> tuple[float, float] | None:
    """Ends of the colours of a difference: all but its largest hundredth lies between them."""
    sizes = np.abs(signed[np.isfinite(signed)])
    most = float(np.percentile(sizes, 99)) if sizes.size else 0.0
    return (-most, most) if most > 0 else None


def _planes(case: Case, images: dict[str, Floats]) -> dict[str, tuple[Floats, int]]:
    """Brightness of all images, gaps filled, with how many pixels lie in one of the input."""
    named = {"Input": (case.source, 1), "Result": (images[case.name], case.scale)}
    named |= {name.capitalize(): (images[name], case.scale) for name in BASELINES}
    if case.truth is not None:
        named["Truth"] = (case.truth, case.scale)
    return {name: (case.brightness(_whole(image)), finer) for name, (image, finer) in named.items()}


def _table(case: Case, scores: dict[str, dict[str, Any]]) -> Table:
    keys = [key for key in SCORED if key in scores[case.name]]
    names = {case.name: case.image.title} | {name: name.capitalize() for name in BASELINES}
    rows = tuple(
        (names[name], *(_rounded(key, scores[name][key]) for key in keys)) for name in scores
    )
    about = (
        "Measured here against the truth, which the model did not see."
        if case.truth is not None
        else "The truth is not known. Consistency says how well each image, made coarse again, "
        "agrees with the input; this is not accuracy: interpolation has much of it too."
    )
    return Table("Scores", about, ("Image", *(METRICS[key].head for key in keys)), rows)


def _rounded(key: str, value: float | None) -> float | None:
    return None if value is None else round(value * METRICS[key].factor, METRICS[key].decimals)


def _input(case: Case) -> SRImage:
    """What the model was given, as a layer."""
    about = "The image that the model was given."
    given = np.where(case.scene.valid[0], case.scene.pixels[0], np.nan)
    return SRImage("Input", about, case.scene.grid, given, case.scene.bands, 1)


def _as_layer(case: Case, kernel: str, data: Floats) -> SRImage:
    """A baseline as a layer, of the bands that are drawn only when it is very large."""
    bands = case.scene.bands
    kept = list(range(len(bands)))
    about = f"The input enlarged by {kernel.capitalize()} interpolation: no model at all."
    if data.nbytes > MOST_BYTES:
        kept = _red_green_blue(bands)
        about += " Only three bands are kept of an image as large as this."
    chosen = tuple(bands[i] for i in kept)
    return SRImage(kernel.capitalize(), about, case.image.grid, data[kept], chosen, case.scale)


def _red_green_blue(bands: tuple[Band, ...]) -> list[int]:
    """Three bands by falling wavelength where it is known, as stored otherwise."""
    centres = [band.wavelength_nm for band in bands]
    if None in centres:
        return list(range(len(bands)))[:3]
    if len(bands) == 3:
        return sorted(range(3), key=lambda i: -(centres[i] or 0))
    return [int(np.argmin([abs((c or 0) - nm) for c in centres])) for nm in (640, 550, 460)]


def _inside(case: Case, coarse: Floats) -> tuple[Floats, Floats]:
    """An image as coarse as the input, and the input, where there is data."""
    valid = case.scene.valid[0]
    return np.where(valid, coarse, np.nan), np.where(valid, case.source, np.nan)


def _whole(image: Floats) -> Floats:
    """An image whose gaps are filled."""
    return filled(image, np.isfinite(image))


def _plain(scores: dict[str, Any]) -> dict[str, Any]:
    """Numbers as JSON knows them; None where they are not finite."""

    def one(value: Any) -> Any:
        if isinstance(value, list):
            return [one(item) for item in value]
        return float(value) if np.isfinite(value) else None

    return {name: one(value) for name, value in scores.items()}
