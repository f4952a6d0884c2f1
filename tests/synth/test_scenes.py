"""The two places are plausible, repeatable and hard enough."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rsviz.synth.render import Simulated


def mean_spectrum(scene: Simulated, name: str) -> NDArray[np.float64]:
    chosen = scene.counts[scene.truth == scene.legend.label(name)]
    return np.asarray(chosen.mean(axis=0) * 1e-4)


def near(scene: Simulated, spectrum: NDArray[np.float64], nm: float) -> float:
    return float(spectrum[np.argmin(np.abs(scene.sensor.wavelength_nm - nm))])


def ndvi(scene: Simulated, name: str) -> float:
    spectrum = mean_spectrum(scene, name)
    red, infrared = near(scene, spectrum, 670), near(scene, spectrum, 800)
    return (infrared - red) / (infrared + red)


@pytest.mark.slow
def test_another_seed_gives_another_village(village_scene: Simulated) -> None:
    from rsviz.synth.village import village

    other = village(seed=11)
    assert (other.truth != village_scene.truth).mean() > 0.3


@pytest.mark.parametrize(
    ("fixture", "bands", "classes"), [("farmland_scene", 200, 16), ("village_scene", 100, 15)]
)
def test_every_class_is_there_and_edges_are_unlabelled(
    fixture: str, bands: int, classes: int, request: pytest.FixtureRequest
) -> None:
    scene: Simulated = request.getfixturevalue(fixture)
    assert scene.counts.shape == (160, 160, bands)
    assert len(scene.legend.names) == len(scene.legend.colours) == classes
    assert len(set(scene.legend.colours)) == classes
    count = np.bincount(scene.truth.ravel(), minlength=classes + 1)
    assert len(count) == classes + 1
    assert count[1:].min() >= 250
    assert 0.03 < count[0] / scene.truth.size < 0.25
    reflectance = scene.counts[..., scene.sensor.good] * 1e-4
    assert np.percentile(reflectance, 0.01) > -0.03
    assert np.percentile(reflectance, 99.99) < 0.9


def test_crops_are_green_and_the_rest_is_not(farmland_scene: Simulated) -> None:
    for crop in ("winter wheat, milk stage", "maize", "sugar beet", "alfalfa", "meadow"):
        assert ndvi(farmland_scene, crop) > 0.75, crop
    assert 0.2 < ndvi(farmland_scene, "winter barley") < 0.8
    for bare in ("ploughed soil", "seedbed", "stubble"):
        assert ndvi(farmland_scene, bare) < 0.35, bare
    beet = mean_spectrum(farmland_scene, "sugar beet")
    slope = np.diff(beet) / np.diff(farmland_scene.sensor.wavelength_nm)
    edge = farmland_scene.sensor.wavelength_nm[np.argmax(slope)]
    assert 690 < edge < 750
    shoulders = 0.5 * (near(farmland_scene, beet, 920) + near(farmland_scene, beet, 1060))
    assert near(farmland_scene, beet, 975) < 0.98 * shoulders  # liquid water in the leaves


@pytest.mark.parametrize("fixture", ["farmland_scene", "village_scene"])
def test_water_is_the_darkest_in_the_short_wave_infrared(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    scene: Simulated = request.getfixturevalue(fixture)
    level = {n: near(scene, mean_spectrum(scene, n), 1650) for n in scene.legend.names}
    assert min(level, key=lambda name: level[name]) == "water"
    assert level["water"] < 0.08


def test_plastic_turf_is_no_lawn(village_scene: Simulated) -> None:
    assert ndvi(village_scene, "lawn") > 0.7
    turf = mean_spectrum(village_scene, "artificial turf")
    assert near(village_scene, turf, 740) < 0.5 * near(village_scene, turf, 860)


@pytest.mark.slow
@pytest.mark.parametrize("fixture", ["farmland_scene", "village_scene"])
def test_a_pixelwise_svm_stays_below_ninety_percent(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    scene: Simulated = request.getfixturevalue(fixture)
    label = scene.truth.ravel()
    pixels = scene.counts[..., scene.sensor.good].reshape(label.size, -1).astype(np.float32)
    rng = np.random.default_rng(0)
    classes = range(1, len(scene.legend.names) + 1)
    train = np.concatenate([rng.permutation(np.flatnonzero(label == k))[:50] for k in classes])
    rest = rng.permutation(np.setdiff1d(np.flatnonzero(label > 0), train))[:6000]
    grid = {"svc__C": [10, 100, 1000], "svc__gamma": [1e-4, 1e-3, 1e-2]}
    search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), grid, cv=3)
    search.fit(pixels[train], label[train])
    accuracy = float((search.predict(pixels[rest]) == label[rest]).mean())
    assert 0.70 < accuracy < 0.90
