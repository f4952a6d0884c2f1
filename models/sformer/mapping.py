"""Classifying every pixel of a scene: tokens shared by overlapping patches, coarse map first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from models.sformer.network import PATCH, SIDE, WIDTH, SFormer
from models.sformer.patches import VIEWS
from rsviz.core.model import RunContext
from rsviz.nn.probe import Reduce, tracing

EDGES = ((slice(1, 4), (0,)), (slice(0, 4), (1, 3, 5)), (slice(0, 3), (7,)))
"""For the first, the middle three and the last of the 5 rows (or columns) of tokens: which rows of
the 4 x 4 folded kernel lie inside the patch, and where these start in it."""

TABLE_BYTES = 256 * 2**20
STEPS = {4: "every 4th pixel", 2: "every 2nd pixel", 1: "every pixel"}
SHOWS = 4
"""Unfinished maps to show while the last pixels are read, beside one after each coarser step."""

BATCH = {"cpu": 128, "cuda": 1024}
"""Patches at once: on a CPU few enough that what is between two layers stays in the cache."""


class TokenTable:
    """The tokens of all patches of an image, each computed once.

    A token depends on its place in the patch only by the zeros around the patch: the first and
    the last row and column of tokens miss a part of the kernel. So nine convolutions of the whole
    image hold the tokens of all patches, exactly.
    """

    def __init__(self, network: SFormer, image: Tensor) -> None:
        """Compute the tokens of a padded image (k, h+9, w+9)."""
        weight, bias = network.folded_stem()
        image = image[None].contiguous(memory_format=torch.channels_last)
        start = torch.zeros(SIDE, SIDE, dtype=torch.long)
        width = torch.zeros(SIDE, SIDE, dtype=torch.long)
        maps, length = [], 0
        first_row = 0
        for rows, tops in EDGES:
            first_col = 0
            for cols, lefts in EDGES:
                found = F.conv2d(image, weight[:, :, rows, cols], bias)  # (1, 128, a, b)
                across = found.shape[3]
                place = torch.tensor(tops)[:, None] * across + torch.tensor(lefts)
                block = (
                    slice(first_row, first_row + len(tops)),
                    slice(first_col, first_col + len(lefts)),
                )
                start[block], width[block] = length + place, across
                maps.append(found.flatten(2)[0].T)  # (a*b, 128)
                length += len(maps[-1])
                first_col += len(lefts)
            first_row += len(tops)
        self.table = network.norm(torch.cat(maps))
        self.start, self.width = start.flatten().to(image.device), width.flatten().to(image.device)

    def tokens(self, rows: Tensor, cols: Tensor) -> Tensor:
        """Tokens (N, 25, 128) of the patches around pixels (N,)."""
        index = self.start + rows[:, None] * self.width + cols[:, None]  # (N, 25)
        return self.table.index_select(0, index.flatten()).unflatten(0, index.shape)


def strips(height: int, width: int, views: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows whose tables of tokens, one a view, stay below a size in memory."""
    row = views * len(EDGES) ** 2 * (width + PATCH) * WIDTH * 4
    count = max(1, min(height, TABLE_BYTES // row - PATCH))
    for first in range(0, height, count):
        yield first, min(height, first + count)


def lattices(wanted: Tensor, finest: int) -> Iterator[tuple[str, Tensor]]:
    """Which pixels to compute in which order: every 4th row and column, then every 2nd, then all.

    Args:
        wanted: (H, W) bool: pixels to compute at all.
        finest: 4, 2 or 1, where to stop.

    Yields:
        What this is, for people, and (H, W) bool of the pixels that are new.
    """
    done = torch.zeros_like(wanted)
    for step, what in STEPS.items():
        if step >= finest:
            now = torch.zeros_like(wanted)
            now[::step, ::step] = wanted[::step, ::step] & ~done[::step, ::step]
            yield what, now
            done |= now


@dataclass(frozen=True)
class Reading:
    """How a scene is read.

    Attributes:
        finest: distance of computed pixels: 4, 2 or 1; the others are as the nearest of them.
        keep: tokens, of 100, that each query keeps.
        views: ways to turn and mirror the patches whose probabilities are averaged.
        probes: probes to listen to.
        reduce: makes (N, planes) of what a probe gives.
    """

    finest: int
    keep: int
    views: int
    probes: frozenset[str]
    reduce: Reduce


Planes = dict[str, NDArray[np.float32]]


def read_scene(
    network: SFormer,
    image: Tensor,
    valid: NDArray[np.bool_],
    how: Reading,
    ctx: RunContext,
    show: Callable[[Planes], None],
) -> Planes:
    """Classify the pixels of a padded image (k, H+9, W+9).

    Args:
        network: the network.
        image: principal components.
        valid: (H, W): pixels to compute at all.
        how: how the scene is read.
        ctx: takes the progress and stops between batches.
        show: called now and then with what is known so far, in the form of the result.

    Returns:
        Planes (.., H, W): "probabilities" and one entry a probe; where `valid` (H, W) is false,
        those of the nearest computed pixel.
    """
    height, width = valid.shape
    plan = list(lattices(torch.from_numpy(valid), how.finest))
    total, done = sum(int(now.sum()) for _, now in plan), 0
    computed = torch.zeros_like(plan[0][1])
    shows = _moments(plan)
    planes: dict[str, Tensor] = {}
    views = VIEWS[how.views - 1 :: -1]  # the plain one last: probes keep what passes last
    tables: list[TokenTable] = []
    held = None
    with tracing(network, how.probes, how.reduce) as trace:
        for what, now in plan:
            for strip in strips(height, width, len(views)):
                first, end = strip
                rows, cols = now[first:end].nonzero().to(image.device).unbind(1)
                size = BATCH[image.device.type]
                for r, c in zip(rows.split(size), cols.split(size), strict=True):
                    ctx.step(done, total, f"reading {what}")
                    if held != strip:
                        crop, held = image[:, first : end + PATCH - 1], strip
                        tables = [TokenTable(network, view.turn(crop)) for view in views]
                    p = torch.zeros((), device=image.device)
                    for view, table in zip(views, tables, strict=True):
                        tokens = table.tokens(*view.place(r, c, end - first, width))
                        p = p + network.classify(tokens, how.keep).float().softmax(dim=1)
                    for name, value in (trace | {"probabilities": p / len(views)}).items():
                        if name not in planes:
                            planes[name] = value.new_zeros(value.shape[1], height, width)
                        planes[name][:, first + r, c] = value.T
                    computed[first + r.cpu(), c.cpu()] = True
                    done += len(r)
                    if shows and done >= shows[0] and done < total:
                        shows = [at for at in shows if at > done]
                        show(_filled(planes, computed))
    ctx.step(total, total, "done")
    return _filled(planes, computed)


def _moments(plan: list[tuple[str, Tensor]]) -> list[int]:
    """After how many pixels to show an unfinished map: after each step, and within the last."""
    ends = np.cumsum([int(now.sum()) for _, now in plan])
    before = int(ends[-2]) if len(ends) > 1 else 0
    within = np.linspace(before, ends[-1], SHOWS + 2)[1:-1]
    return [int(at) for at in (*ends[:-1], *within)]


def _filled(planes: dict[str, Tensor], computed: Tensor) -> Planes:
    """Planes as arrays, pixels that were not computed as the nearest one that was."""
    on_cpu = {name: plane.cpu().numpy() for name, plane in planes.items()}
    if bool(computed.all()):
        return on_cpu
    return {name: _nearest(plane, computed.numpy()) for name, plane in on_cpu.items()}


def _nearest(planes: NDArray[np.float32], computed: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Each pixel of (.., H, W) as the nearest computed one."""
    rows, cols = distance_transform_edt(~computed, return_distances=False, return_indices=True)
    return planes[..., rows, cols]
