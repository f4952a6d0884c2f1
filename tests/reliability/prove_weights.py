"""R14: damaged weights are refused by name; and what each check finds when the others are off."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import torch
from proof import Proof, timed
from safetensors.torch import load, save

from rsviz.core import reference, registry
from rsviz.core.card import ModelCard, Weights
from rsviz.core.errors import WeightsMissing

FULL, QUICK = 500, 40
WAYS = ("bit", "header", "truncated", "swapped", "nan", "scaled", "random")


class _AnyHash(Weights):
    """A record whose hash was changed together with the file: only the other checks are left."""

    def content(self) -> bytes:
        return self.path.read_bytes()


def prove(quick: bool, work: Path) -> Proof:
    """Damage the smallest weights of every model."""
    proof = Proof(
        "R14",
        "corrupt weights: bits, header, length, tensors swapped, scaled, NaN, replaced by noise",
        "refused with a sentence that names the file",
    )
    known = [(card, _smallest(card)) for card in registry.cards().values()]
    sound = [(card, weights) for card, weights in known if weights is not None]
    caught: Counter[str] = Counter()
    left: Counter[str] = Counter()
    with timed(proof):
        for number in range(QUICK if quick else FULL):
            rng = random.Random(f"weights {number}")
            card, weights = sound[number % len(sound)]
            way = WAYS[number // len(sound) % len(WAYS)]
            damaged = replace(weights, folder=work)
            damaged.path.write_bytes(_damaged(rng, way, weights.path.read_bytes()))
            told = _refusal(card, damaged)
            proof.count(weights.file in told or weights.id in told, f"{card.id} {way} {number}")
            if number % 5 == 0:
                found = _refusal(card, _AnyHash(**vars(damaged)))
                caught[_check(found)] += 1
                left[way] += not found
    proof.figures = {
        "with the hash switched off, found by": _told(caught),
        "of these, not found": _told(+left) or "0",
        "models": ", ".join(f"{card.id} ({weights.id})" for card, weights in sound),
    }
    return proof


def _smallest(card: ModelCard) -> Weights | None:
    files = [w for w in card.weights if w.file and w.path.is_file()]
    return min(files, key=lambda w: w.path.stat().st_size, default=None)


def _refusal(card: ModelCard, weights: Weights) -> str:
    """The sentence with which weights are refused; "" when they are used."""
    model = registry.build(card)
    try:
        model.load(weights, "cpu")
        reference.check(card, weights, model, "cpu")
    except WeightsMissing as error:
        return error.message
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        return f"the network does not take them: {type(error).__name__}"
    return ""


def _check(told: str) -> str:
    for word, check in (
        ("compute other numbers", "reference output"),
        ("not a number", "numbers"),
        ("is refused", "header"),
        ("the network does not take", "the network itself"),
    ):
        if word in told:
            return check
    return "nothing"


def _damaged(rng: random.Random, way: str, content: bytes) -> bytes:
    length = int.from_bytes(content[:8], "little")
    data = bytearray(content)
    if way == "bit":
        data[rng.randrange(8 + length, len(data))] ^= 1 << rng.randrange(8)
    elif way == "header":
        data[rng.randrange(8 + length)] ^= 1 << rng.randrange(8)
    elif way == "truncated":
        del data[rng.randrange(len(data)) :]
    else:
        return _changed(rng, way, content)
    return bytes(data)


def _changed(rng: random.Random, way: str, content: bytes) -> bytes:
    """Valid files with other numbers."""
    state = load(content)
    large = [n for n, t in state.items() if t.is_floating_point() and t.numel() > 64]
    name = rng.choice(large)
    if way == "swapped":
        same = [n for n in large if state[n].shape == state[name].shape and n != name]
        other = rng.choice(same or [name])
        state[name], state[other] = state[other].clone(), state[name].clone()
        if not same:
            state[name] = state[name].flip(0).clone()
    elif way == "nan":
        state[name].view(-1)[rng.randrange(state[name].numel())] = torch.nan
    elif way == "scaled":
        for each in large:
            state[each] = (state[each].float() * 1.5).to(state[each].dtype)
    else:
        torch.manual_seed(rng.randrange(2**31))
        for each in large:
            state[each] = torch.randn(state[each].shape).to(state[each].dtype)
    return save(state)


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{what} {n}" for what, n in sorted(counts.items()))
