import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from stripes import CLASSES, HEIGHT, WIDTH, model, scene, some_labels

from models.mamba_moe.card import Options
from models.mamba_moe.network import Config, MambaMoE
from models.mamba_moe.storage import compact, restored
from models.mamba_moe.symmetry import ORIENTATIONS, turned, turned_back
from models.mamba_moe.train import train
from models.mamba_moe.ugcl import IGNORE, corrective_sampling, keep_probability, uncertainty
from rsviz.core.errors import BadOption, Cancelled
from rsviz.core.model import RunContext
from rsviz.nn.fit import parameter_count


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_uncertainty_is_the_papers():
    logits = torch.tensor([0.7, 0.2, 0.1]).log().reshape(1, 3, 1, 1)
    assert uncertainty(logits).item() == pytest.approx(-0.7 * math.log(0.7 + 1e-6), abs=1e-6)
    confused, sure = torch.zeros(1, 9, 1, 1), torch.tensor([50.0] + [0.0] * 8).reshape(1, 9, 1, 1)
    assert uncertainty(confused).item() == pytest.approx(math.log(9) / 9, abs=1e-4)
    assert abs(uncertainty(sure).item()) < 1e-5


def test_corrective_sampling_keeps_labels_or_ignores_them():
    logits, labels = 3 * torch.randn(1, CLASSES, 9, 11), torch.randint(0, CLASSES, (1, 18, 22))
    labels[torch.rand(labels.shape) < 0.5] = IGNORE
    chance = keep_probability(logits, (18, 22))
    assert chance.min() == 0 and chance.max() == 1
    sampled, mask = corrective_sampling(logits, labels)
    assert torch.equal(sampled[mask], labels[mask])
    assert (sampled[~mask] == IGNORE).all()
    assert (sampled[labels == IGNORE] == IGNORE).all()
    draws = torch.stack([corrective_sampling(logits, labels)[1] for _ in range(400)]).float()
    assert (draws.mean(0) - chance).abs().max() < 0.15


def test_when_no_labelled_pixel_is_drawn_all_are_used():
    logits = torch.zeros(1, 2, 1, 2)
    logits[0, 0] = torch.tensor([50.0, 1.0])  # the labelled pixel is certain: chance 0
    labels = torch.tensor([[[0, IGNORE]]])
    sampled, mask = corrective_sampling(logits, labels)
    assert not mask[0, 0, 0]
    assert torch.equal(sampled, labels)


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_turning_back_is_the_identity(orientation):
    image = torch.randn(2, 3, 4)
    assert torch.equal(turned_back(turned(image, orientation), orientation), image)


def test_the_eight_orientations_differ():
    image = torch.arange(4.0).reshape(2, 2)
    assert len({tuple(turned(image, o).flatten().tolist()) for o in range(ORIENTATIONS)}) == 8


SETTINGS = {"replay": "5", "epochs": "12", "embed": "8", "lr": "0.01", "pool_first": "no"}


def test_training_learns_the_stripes_and_runs_as_a_model(tmp_path):
    said = []
    trained = train(
        scene(), some_labels(), 0, SETTINGS, None, "cpu", lambda *step: said.append(step)
    )
    assert said[-1][:2] == (12, 12)
    assert trained.parameters == parameter_count(MambaMoE(Config.from_record(trained.config)))
    assert trained.history["loss"][-1] < 0.5 * trained.history["loss"][0]
    assert max(trained.history["sampled"]) <= (some_labels() > 0).sum()
    loaded = model(tmp_path, trained.state, **{"pool_first": False, "regions": 16})
    layers = loaded.predict(scene(), Options(), RunContext(wants=frozenset({"sampling"})))
    test = some_labels() == 0
    right = layers["classes"].data + 1 == scene().truth.labels
    assert right[test].mean() > 0.9
    assert layers["sampling"].data.shape == (4, HEIGHT, WIDTH)
    assert layers["sampling"].ticks[0] == ("0", "3", "6", "9")
    assert set(np.unique(layers["sampling"].data)) == {0, 1}


def test_training_sees_no_other_label(tmp_path):
    blind = replace(scene(), truth=None)
    runs = [
        train(s, some_labels(), 3, SETTINGS, None, "cpu", lambda *_: None) for s in (blind, scene())
    ]
    assert all(torch.equal(a, b) for a, b in zip(*(r.state.values() for r in runs), strict=True))


def test_interrupted_training_goes_on_as_if_nothing_had_been(tmp_path):
    settings = SETTINGS | {"routing": "pixel", "balance": "0.1"}
    whole = train(scene(), some_labels(), 1, settings, None, "cpu", lambda *_: None)

    def stop(done, total, what):
        if done == 8:
            raise Cancelled("stop")

    path = tmp_path / "state.pt"
    with pytest.raises(Cancelled):
        train(scene(), some_labels(), 1, settings, path, "cpu", stop)
    first = []
    again = train(
        scene(), some_labels(), 1, settings, path, "cpu", lambda done, *_: first.append(done)
    )
    assert first[0] == 9  # a cancelled training saves its last epoch
    assert again.history == whole.history
    assert all(torch.equal(whole.state[n], again.state[n]) for n in whole.state)


def test_unknown_setting_is_refused():
    with pytest.raises(BadOption, match="no option 'epoch'"):
        train(scene(), some_labels(), 0, {"epoch": "1"}, None, "cpu", lambda *_: None)


def test_stored_weights_are_small_and_close():
    state = {"kernel": torch.randn(40, 10, 3, 3) * torch.rand(40, 1, 1, 1), "bias": torch.randn(40)}
    stored = compact(state)
    assert stored["kernel"].dtype == torch.int8
    assert sum(t.nbytes for t in stored.values()) < 0.3 * sum(t.nbytes for t in state.values())
    again = restored(stored)
    assert again.keys() == state.keys()
    assert torch.equal(again["bias"], state["bias"])
    largest = state["kernel"].flatten(1).abs().amax(1)
    error = (again["kernel"] - state["kernel"]).flatten(1).abs().amax(1)
    assert (error <= 0.501 * largest / 127).all()
