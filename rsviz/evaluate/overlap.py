"""How much of what a test pixel's answer rests on was already seen in training."""

from __future__ import annotations

from typing import Any

from scipy.ndimage import maximum_filter

from rsviz.evaluate.protocols import TEST, TRAIN, Split


def overlap(split: Split, patch: int, who: str) -> dict[str, Any]:
    """Share of the test pixels whose patch overlaps the patch of a training pixel.

    Args:
        split: (H, W) of 0 ignored, 1 train, 2 test, with at least one test pixel.
        patch: side of the square of pixels that decides about its centre; 0 for the whole scene.
        who: name of the method, for the sentence.

    Returns:
        patch; share (patches have a pixel in common); holding (the patch has a training pixel
        in it); warning: a sentence, or "" where nothing overlaps.
    """
    test, train = split == TEST, split == TRAIN
    if patch == 0:
        share = holding = 1.0 if train.any() else 0.0
        sees = "reads the whole scene at once, so every test pixel is seen in training, unlabelled"
    else:
        near = maximum_filter(train, size=2 * patch - 1)
        inside = maximum_filter(train, size=patch)
        share, holding = float(near[test].mean()), float(inside[test].mean())
        sees = (
            f"looks at {patch} x {patch} pixels: the patches of {share:.0%} of the test pixels "
            f"overlap one of the training, {holding:.0%} hold a training pixel"
        )
    warning = f"{who} {sees}. Scores on other ground will be lower." if share else ""
    return {"patch": patch, "share": share, "holding": holding, "warning": warning}
