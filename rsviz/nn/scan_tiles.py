"""Tiles: how blocks of a tensor come into the scratch memory of the kernels and out again.

A *tensor* is a tuple of integers here: the address of its first number (0 if there is none) and
its strides. Its steps or its channels lie side by side. A *tile* holds LANES rows, one a channel,
of ``width`` steps: the steps of a chunk rounded up to a power of two, or to a multiple of LANES,
so that the rows of short sequences share a vector.
"""

from rsviz.nn.scan_cache import kernel
from rsviz.nn.scan_shuffles import COLUMNS, load_columns, store_columns, vsum
from rsviz.nn.scan_simd import (
    LANES,
    pointer,
    shift,
    vload,
    vsplat,
    vstore,
    vzero,
)

CHUNK = 2 * LANES  # steps in a tile
TILE = (CHUNK + 5) * LANES  # numbers from one tile to the next: a vector may run over, and tiles
# should not compete for the same lines of the cache


@kernel
def row_width(steps):
    """The width of a tile's rows for a chunk of ``steps`` steps."""
    if steps > LANES // 2:
        return (steps + LANES - 1) // LANES * LANES
    width = 1
    while width < steps:
        width *= 2
    return width


@kernel
def fill_rows(tile, numbers, first, width, channels):
    """Fills each row, or its first LANES steps, with one number, its channel's."""
    for j in range(channels):
        # Overruns short rows: the next one overwrites it.
        vstore(tile, j * min(width, LANES), vsplat(numbers, first + j))


@kernel
def per_row(tile, channel, r, width):
    """The numbers of ``fill_rows`` that belong to the vector at r of a channel's tile."""
    if width < LANES:
        return vload(tile, channel * width + r)
    row = r // LANES >> (width > LANES)  # r // width, which would be slow
    return vload(tile, (channel + row) * LANES)


@kernel
def add_rows(sums, first, tile, width, steps, channels):
    """Adds the sum of each row's steps to its channel's number."""
    whole = steps // LANES * LANES
    for j in range(channels):
        total = vzero(tile)
        for t in range(0, whole, LANES):
            total = total + vload(tile, j * width + t)
        rest = vsum(total)
        for t in range(whole, steps):
            rest += tile[j * width + t]
        sums[first + j] += rest


@kernel
def multiply(target, left, right, size):
    """Multiplies two tiles."""
    for r in range(0, size, LANES):
        vstore(target, r, vload(left, r) * vload(right, r))


@kernel
def copy(target, source, size):
    """Copies a multiple of LANES numbers."""
    for r in range(0, size, LANES):
        vstore(target, r, vload(source, r))


@kernel
def clear(target, size):
    """Sets a multiple of LANES numbers to zero."""
    for r in range(0, size, LANES):
        vstore(target, r, vzero(target))


@kernel
def locate(kind, tensor, i, d, t):
    """Pointer to a block's first number, and the strides of channels and steps."""
    base = shift(pointer(kind, tensor[0]), i * tensor[1] + d * tensor[2] + t * tensor[3])
    return base, tensor[2], tensor[3]


@kernel
def read_tile(tile, width, tensor, i, d, t0, steps, channels):
    """Copies ``steps`` steps from t0 of ``channels`` channels from d, batch item i, to a tile."""
    source, channel_step, step = locate(tile[0], tensor, i, d, t0)
    if step == 1 and channel_step == width and steps == width and width * channels >= LANES:
        for start in range(0, width * channels, LANES):  # rows that follow each other
            at = min(start, width * channels - LANES)
            vstore(tile, at, vload(source, at))
    elif step == 1 and steps >= LANES:
        for j in range(channels):
            for start in range(0, steps, LANES):
                t = min(start, steps - LANES)
                vstore(tile, j * width + t, vload(source, j * channel_step + t))
    elif channel_step == 1 and channels == LANES and steps >= COLUMNS:
        for start in range(0, steps, COLUMNS):
            t = min(start, steps - COLUMNS)
            columns = (
                vload(source, t * step),
                vload(source, (t + 1) * step),
                vload(source, (t + 2) * step),
                vload(source, (t + 3) * step),
            )
            store_columns(tile, t, width, columns)
    else:
        for j in range(channels):
            for t in range(steps):
                tile[j * width + t] = source[j * channel_step + t * step]


@kernel
def write_tile(tile, width, tensor, i, d, t0, steps, channels):
    """Copies a tile back: the inverse of ``read_tile``."""
    target, channel_step, step = locate(tile[0], tensor, i, d, t0)
    if step == 1 and channel_step == width and steps == width and width * channels >= LANES:
        for start in range(0, width * channels, LANES):
            at = min(start, width * channels - LANES)
            vstore(target, at, vload(tile, at))
    elif step == 1 and steps >= LANES:
        for j in range(channels):
            for start in range(0, steps, LANES):
                t = min(start, steps - LANES)
                vstore(target, j * channel_step + t, vload(tile, j * width + t))
    elif channel_step == 1 and channels == LANES and steps >= COLUMNS:
        for start in range(0, steps, COLUMNS):
            t = min(start, steps - COLUMNS)
            columns = load_columns(tile, t, width)
            vstore(target, t * step, columns[0])
            vstore(target, (t + 1) * step, columns[1])
            vstore(target, (t + 2) * step, columns[2])
            vstore(target, (t + 3) * step, columns[3])
    else:
        for j in range(channels):
            for t in range(steps):
                target[j * channel_step + t * step] = tile[j * width + t]


@kernel
def read_rows(rows, lanes, source, lane_step, step, steps, count):
    """Copies ``count`` numbers a step to rows of ``lanes`` numbers, filled up with zeros."""
    if count == LANES and lane_step == 1:
        for t in range(steps):
            vstore(rows, t * LANES, vload(source, t * step))
    elif count == LANES and step == 1 and steps >= COLUMNS:
        for start in range(0, steps, COLUMNS):
            t = min(start, steps - COLUMNS)
            columns = load_columns(source, t, lane_step)
            vstore(rows, t * LANES, columns[0])
            vstore(rows, (t + 1) * LANES, columns[1])
            vstore(rows, (t + 2) * LANES, columns[2])
            vstore(rows, (t + 3) * LANES, columns[3])
    else:
        for t in range(steps):
            vstore(rows, (t + 1) * lanes - LANES, vzero(rows))
            for n in range(count):
                rows[t * lanes + n] = source[n * lane_step + t * step]


@kernel
def write_rows(rows, lanes, target, lane_step, step, steps, count, add):
    """Copies rows back, or adds them: the inverse of ``read_rows``."""
    whole = steps if count == LANES else 0
    if whole and lane_step == 1:
        for t in range(whole):
            row = vload(rows, t * LANES)
            vstore(target, t * step, row + vload(target, t * step) if add else row)
    elif whole and step == 1:
        whole -= whole % COLUMNS
        for t in range(0, whole, COLUMNS):
            columns = (
                vload(rows, t * LANES),
                vload(rows, (t + 1) * LANES),
                vload(rows, (t + 2) * LANES),
                vload(rows, (t + 3) * LANES),
            )
            if add:
                old = load_columns(target, t, lane_step)
                columns = (
                    columns[0] + old[0],
                    columns[1] + old[1],
                    columns[2] + old[2],
                    columns[3] + old[3],
                )
            store_columns(target, t, lane_step, columns)
    else:
        whole = 0
    for t in range(whole, steps):
        for n in range(count):
            at = n * lane_step + t * step
            target[at] = rows[t * lanes + n] + (target[at] if add else 0)
