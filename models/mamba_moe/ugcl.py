"""UGCL: uncertainty-guided collaborative learning of the three heads.

Each head is trained on those labelled pixels that a coin, weighted by the head's own uncertainty,
lets through ("corrective sampling"); the prediction head is trained on all of them as well.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from models.mamba_moe.network import Prediction, enlarge

IGNORE = -1


def uncertainty(logits: Tensor) -> Tensor:
    """The paper's U = -p ln(p + 1e-6) of the most probable class: (B, K, H, W) -> (B, 1, H, W).

    In nat. Not monotone: it is greatest at p = 1/e and small again for a confused pixel.
    """
    top = logits.float().softmax(dim=1).amax(dim=1, keepdim=True)
    return -top * (top + 1e-6).log()


def keep_probability(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """U enlarged to the scene and stretched to 0..1 over it: (B, K, h, w) -> (B, H, W)."""
    u = enlarge(uncertainty(logits), size)[:, 0]
    low, high = u.amin((1, 2), keepdim=True), u.amax((1, 2), keepdim=True)
    return (u - low) / (high - low).clamp(min=1e-12)


def corrective_sampling(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Draw the labelled pixels that a head learns from in this step.

    Args:
        logits: (B, K, h, w) of the head.
        labels: (B, H, W) of classes 0..K-1, IGNORE elsewhere.

    Returns:
        The labels with the pixels not drawn set to IGNORE (all labels when none was drawn), and
        the mask (B, H, W) of the draw.
    """
    mask = torch.bernoulli(keep_probability(logits.detach(), labels.shape[1:])).bool()
    sampled = torch.where(mask, labels, IGNORE)
    return (sampled if bool((sampled != IGNORE).any()) else labels), mask


class Losses(NamedTuple):
    """Loss of one step [nat], and the mask (B, H, W) drawn for the prediction head."""

    total: Tensor
    mask: Tensor


def ugcl_loss(prediction: Prediction, labels: Tensor) -> Losses:
    """Cross-entropy of the three heads on their draws plus that of head 1 on all labels."""
    size = labels.shape[1:]
    total = _cross_entropy(prediction.logits[0], labels)
    masks = []
    for logits in prediction.logits:
        sampled, mask = corrective_sampling(logits, labels)
        total = total + _cross_entropy(enlarge(logits, size), sampled)
        masks.append(mask)
    return Losses(total, masks[0])


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over the labelled pixels; only these are looked at."""
    chosen = labels != IGNORE
    return F.cross_entropy(logits.permute(0, 2, 3, 1)[chosen].float(), labels[chosen])
