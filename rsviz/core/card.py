"""What a model says about itself before it is loaded: paper, inputs, outputs, weights, limits.

A card is importable without torch. `why_not` answers in sentences, which the page prints
beside a disabled choice; an empty list means yes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from rsviz.core.errors import WeightsMissing
from rsviz.core.options import NoOptions
from rsviz.core.scene import Band, Description

WAVELENGTH_TOLERANCE_NM = 5.0


@dataclass(frozen=True)
class Published:
    """A figure quoted from a paper; never mixed with what was measured here."""

    metric: str
    value: float
    unit: str
    condition: str
    source: str


@dataclass(frozen=True)
class Paper:
    """The publication a model follows; `doi` or `arxiv` identifies it."""

    title: str
    authors: str
    venue: str
    year: int
    doi: str = ""
    arxiv: str = ""
    published: tuple[Published, ...] = ()

    @property
    def reference(self) -> str:
        """The identifier for people: 'doi:…' or 'arXiv:…'."""
        return f"doi:{self.doi}" if self.doi else f"arXiv:{self.arxiv}"


@dataclass(frozen=True)
class Need:
    """A band that a model cannot do without: what it shows, and where its centre may lie."""

    name: str
    low_nm: float
    high_nm: float
    typical_nm: float

    def why_not(self, bands: tuple[Band, ...]) -> list[str]:
        """The reason against these bands, as a sentence: none of them, or several, would do."""
        found = sum(self.low_nm <= (band.wavelength_nm or 0) <= self.high_nm for band in bands)
        if found == 1:
            return []
        there = f"{found} such bands" if found else "none"
        return [
            f"It needs one {self.name} band, centred between {self.low_nm:g} and "
            f"{self.high_nm:g} nm; the scene has {there}."
        ]


@dataclass(frozen=True)
class Accepts:
    """The scenes a model can take, whatever its weights.

    Attributes:
        bands: least and greatest number of bands.
        dates: least and greatest number of dates.
        quantities: allowed quantities; empty for any.
        min_pixels: least height and width.
        needs_wavelengths: whether band centres must be known.
        needs: single bands that must be there, once each.
    """

    bands: tuple[int, int] = (1, 4096)
    dates: tuple[int, int] = (1, 1)
    quantities: tuple[str, ...] = ()
    min_pixels: int = 1
    needs_wavelengths: bool = False
    needs: tuple[Need, ...] = ()

    def why_not(self, scene: Description) -> list[str]:
        """Reasons against this scene, as sentences; empty when it is suitable."""
        t, c, h, w = scene.shape
        reasons = []
        if not self.bands[0] <= c <= self.bands[1]:
            reasons.append(f"It takes {_span(self.bands, 'band')}; the scene has {c}.")
        if not self.dates[0] <= t <= self.dates[1]:
            reasons.append(f"It takes {_span(self.dates, 'date')}; the scene has {t}.")
        if min(h, w) < self.min_pixels:
            reasons.append(
                f"It needs at least {self.min_pixels} x {self.min_pixels} pixels; the scene has "
                f"{h} x {w}."
            )
        if self.quantities and scene.quantity not in self.quantities:
            reasons.append(
                f"It needs {' or '.join(self.quantities)}; the scene holds {scene.quantity}."
            )
        if self.needs_wavelengths and scene.wavelengths_nm is None:
            reasons.append("It needs the wavelength of every band; this scene does not say them.")
        for need in self.needs:
            reasons += need.why_not(scene.bands)
        return reasons


@dataclass(frozen=True)
class Tiling:
    """How a large scene is cut.

    Attributes:
        tile: side of a tile in pixels; scenes up to this size run in one piece.
        halo: context around a tile, cut away or blended afterwards.
        tolerance: largest difference of probabilities between tiled and untiled runs away
            from the scene border; None when tiles change the result (say why in `note`).
    """

    tile: int = 512
    halo: int = 0
    tolerance: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Weights:
    """A trained state as a record: everything needed to use it and to cite it.

    Attributes:
        id: e.g. "indian-pines-50/seed-0".
        file: name of the safetensors file beside the record; "" for figures without a file.
        sha256: hash of the file.
        scene: id of the scene it was trained on.
        protocol: name of the evaluation protocol that drew its training pixels.
        seed: seed of split and training.
        classes: names of the K classes, in label order; empty when it has none.
        colours: their colours.
        bands: number of bands it takes; 0 when the card's needs alone decide.
        wavelengths_nm: their centres, when known.
        config: arguments of the network.
        recipe: the command that trained it.
        data: data set, source.
        licence: of the data and the weights.
        metrics: what was measured here, by plain key, as fractions or with the unit in the key.
        measured_on: device, date and versions of the measurement.
        parameters: number of trainable parameters.
        reference: what they compute on a fixed scene; see `core.reference`.
    """

    id: str
    file: str
    sha256: str
    scene: str
    protocol: str
    seed: int
    bands: int
    recipe: str
    data: str
    licence: str
    measured_on: str
    parameters: int
    classes: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    wavelengths_nm: tuple[float, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    reference: tuple[float, ...] = ()
    folder: Path = Path()

    @property
    def path(self) -> Path:
        return self.folder / self.file

    def content(self) -> bytes:
        """The bytes of the file, which are those of the record.

        Raises:
            WeightsMissing: the file is absent or its hash differs.
        """
        try:
            content = self.path.read_bytes() if self.file else b""
        except OSError:
            content = b""
        if not content:
            raise WeightsMissing(
                f"The weights '{self.id}' are not there.",
                f"Train them with: {self.recipe}",
            )
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise WeightsMissing(
                f"The weights file {self.file} has hash {found[:12]}…, its record says "
                f"{self.sha256[:12]}….",
                "Restore the file from the repository.",
            )
        return content

    def why_not(self, scene: Description) -> list[str]:
        """Reasons why these weights do not fit a scene; empty when they do."""
        c = scene.shape[1]
        if self.bands and c != self.bands:
            return [f"Weights '{self.id}' were trained on {self.bands} bands; the scene has {c}."]
        found = scene.wavelengths_nm
        if self.wavelengths_nm and found:
            worst = max(abs(a - b) for a, b in zip(self.wavelengths_nm, found, strict=True))
            if worst > WAVELENGTH_TOLERANCE_NM:
                return [
                    f"Weights '{self.id}' were trained on other wavelengths: a band centre "
                    f"differs by {worst:.0f} nm; up to {WAVELENGTH_TOLERANCE_NM:.0f} nm is fine."
                ]
        return []


def read_weights(folder: Path) -> tuple[Weights, ...]:
    """The records in `folder/weights.json`, in order; empty when there is no such file."""
    index = folder / "weights.json"
    if not index.is_file():
        return ()
    records: list[dict[str, Any]] = json.loads(index.read_text(encoding="utf8"))
    return tuple(_weights(record, folder) for record in records)


def _weights(record: dict[str, Any], folder: Path) -> Weights:
    """One record as written in JSON; lists become tuples."""
    names = {f.name for f in fields(Weights)} - {"folder"}
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in record.items()
        if key in names
    }
    return Weights(**values, folder=folder)


@dataclass(frozen=True)
class ModelCard:
    """One model, declared.

    Attributes:
        id: name of its folder under models/.
        title: name for people.
        task: what it does, in a few words.
        summary: two sentences for a newcomer.
        paper: the publication.
        accepts: suitable scenes.
        emits: {layer name: kind} of every layer a run always gives.
        on_request: {layer name: kind} of layers given only when asked for, because they cost.
        at_pixel: names of those layers on request that look into one pixel, which the options
            `pick_row` and `pick_col` name (-1: the centre); a click on the map asks for them.
        costly: names of those layers on request that take several runs.
        factory: "package.module:Class" of an object with load() and predict().
        options: dataclass of its options.
        example: values of options that a scene may leave open, for a first try and for tests.
        trainer: "package.module:function" that trains it on labelled pixels; "" when it has none.
        differentiable: "package.module:function" of (model, scene, row, col, options) that gives
            the class scores of a pixel as a differentiable function of pixels around it
            (`rsviz.nn.differentiable`), for attributions; "" when it has none.
        teaching: settings of the trainer with which it learns from a few pixels within minutes, as
            text; empty when it cannot.
        weights: records of its trained states.
        needs_weights: whether it cannot run without any.
        patch: side of the square of pixels that decides the answer for its centre; 0 when the
            whole scene does.
        patches: the same by the side of convolutions (`kernel` in the config of weights), where
            weights differ in it.
        tiling: how large scenes are cut.
        limits: honest sentences about what it cannot do.
        departures: differences from the paper, one sentence each.
    """

    id: str
    title: str
    task: str
    summary: str
    paper: Paper
    accepts: Accepts
    emits: dict[str, str]
    factory: str
    on_request: dict[str, str] = field(default_factory=dict)
    at_pixel: tuple[str, ...] = ()
    costly: tuple[str, ...] = ()
    options: type = NoOptions
    example: dict[str, bool | int | float | str] = field(default_factory=dict)
    trainer: str = ""
    differentiable: str = ""
    teaching: dict[str, str] = field(default_factory=dict)
    weights: tuple[Weights, ...] = ()
    needs_weights: bool = True
    patch: int = 0
    patches: dict[int, int] = field(default_factory=dict)
    tiling: Tiling = Tiling()
    limits: tuple[str, ...] = ()
    departures: tuple[str, ...] = ()

    def looks_at(self, weights: Weights) -> int:
        """Side of the square of pixels that decides with these weights; 0 for the whole scene."""
        return self.patches.get(weights.config.get("kernel", 0), self.patch)

    def named(self, wanted: str) -> Weights | None:
        """The weights of that id, or those in the folder of that absolute path; None if neither.

        A folder holds `weights.json` with one record of this model, and the file that it names;
        the path is then the id.
        """
        if not wanted.startswith("/"):
            return next((w for w in self.weights if w.id == wanted), None)
        return next((replace(w, id=wanted) for w in read_weights(Path(wanted))), None)

    @property
    def extras(self) -> tuple[str, ...]:
        """Layers on request that one run gives of the whole scene, sorted."""
        return tuple(sorted(set(self.on_request) - {*self.at_pixel, *self.costly}))

    def fitting(self, scene: Description) -> tuple[Weights, ...]:
        """Weights with a file that fit a scene: seed 0 first, then those trained on this scene."""
        fits = [w for w in self.weights if w.file and not w.why_not(scene)]
        return tuple(sorted(fits, key=lambda w: (w.seed, w.data != scene.name)))

    def why_not(self, scene: Description) -> list[str]:
        """Reasons why this model cannot run on a scene, as sentences; empty when it can."""
        reasons = self.accepts.why_not(scene)
        if reasons or not self.needs_weights or self.fitting(scene):
            return reasons
        if not any(w.file for w in self.weights):
            return ["It has no trained weights yet."]
        known = {w.scene: w.why_not(scene)[0] for w in self.weights if w.file}
        return list(known.values())


def _span(span: tuple[int, int], what: str) -> str:
    """'exactly 1 date', 'at least 3 bands', '2 to 400 dates'."""
    low, high = span
    many = what if high == 1 else f"{what}s"
    if low == high:
        return f"exactly {low} {many}"
    return f"at least {low} {many}" if high >= 4096 else f"{low} to {high} {many}"
