"""Tiles: how blocks of a tensor come into the scratch memory of the kernels and out again.

A tile holds LANES rows, one a channel, of ``width`` steps: the steps of a chunk rounded up to a
power of two, or to a multiple of LANES, so that the rows of short sequences share a vector.
"""

import numpy as np
from numba import njit

from rsviz.nn.scan_simd import (
    COLUMNS,
    LANES,
    load_columns,
    store_columns,
    vload,
    vsplat,
    vstore,
    vsum,
    vzero,
)

kernel = njit(cache=True, nogil=True, error_model="numpy")


@kernel
def scratch(like, size):
    """An uninitialised flat array that starts at a cache line and may be overrun by a vector."""
    whole = np.empty(size + 2 * LANES, like.dtype)
    start = (-whole.ctypes.data // whole.itemsize) % (64 // whole.itemsize)
    return whole[start:]


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
def fill_rows(tile, source, first, width, channels):
    """Fills each row of a tile with one number, its channel's."""
    for j in range(channels):
        value = vsplat(source, first + j)
        for t in range(0, width, LANES):
            vstore(tile, j * width + t, value)  # what it overruns, the next row overwrites


@kernel
def per_row(numbers, first, r, width):
    """The numbers of ``fill_rows`` (of at most LANES steps) beside a tile's vector at r."""
    return vload(numbers, first + (r if width < LANES else r // width * LANES))


@kernel
def add_rows(sums, first, tile, width, steps, channels):
    """Adds the sum of each row's steps to its channel's number."""
    for j in range(channels):
        total = vzero(tile)
        rest = tile[0] * 0
        whole = steps // LANES * LANES
        for t in range(0, whole, LANES):
            total = total + vload(tile, j * width + t)
        for t in range(whole, steps):
            rest += tile[j * width + t]
        sums[first + j] += vsum(total) + rest


@kernel
def read_tile(tile, width, source, offset, channel_step, time_step, steps, channels):
    """Copies ``steps`` steps of ``channels`` channels into the rows of a tile."""
    if time_step == 1 and channel_step == width and steps == width and width * channels >= LANES:
        for start in range(0, width * channels, LANES):  # rows that follow each other
            at = min(start, width * channels - LANES)
            vstore(tile, at, vload(source, offset + at))
    elif time_step == 1 and steps >= LANES:
        for j in range(channels):
            for start in range(0, steps, LANES):
                t = min(start, steps - LANES)
                vstore(tile, j * width + t, vload(source, offset + j * channel_step + t))
    elif channel_step == 1 and channels == LANES and steps >= COLUMNS:
        for start in range(0, steps, COLUMNS):
            t = min(start, steps - COLUMNS)
            at = offset + t * time_step
            columns = (
                vload(source, at),
                vload(source, at + time_step),
                vload(source, at + 2 * time_step),
                vload(source, at + 3 * time_step),
            )
            store_columns(tile, t, width, columns)
    else:
        for j in range(channels):
            for t in range(steps):
                tile[j * width + t] = source[offset + j * channel_step + t * time_step]


@kernel
def write_tile(tile, width, target, offset, channel_step, time_step, steps, channels):
    """Copies the rows of a tile back: the inverse of ``read_tile``."""
    if time_step == 1 and channel_step == width and steps == width and width * channels >= LANES:
        for start in range(0, width * channels, LANES):
            at = min(start, width * channels - LANES)
            vstore(target, offset + at, vload(tile, at))
    elif time_step == 1 and steps >= LANES:
        for j in range(channels):
            for start in range(0, steps, LANES):
                t = min(start, steps - LANES)
                vstore(target, offset + j * channel_step + t, vload(tile, j * width + t))
    elif channel_step == 1 and channels == LANES and steps >= COLUMNS:
        for start in range(0, steps, COLUMNS):
            t = min(start, steps - COLUMNS)
            at = offset + t * time_step
            columns = load_columns(tile, t, width)
            vstore(target, at, columns[0])
            vstore(target, at + time_step, columns[1])
            vstore(target, at + 2 * time_step, columns[2])
            vstore(target, at + 3 * time_step, columns[3])
    else:
        for j in range(channels):
            for t in range(steps):
                target[offset + j * channel_step + t * time_step] = tile[j * width + t]


@kernel
def read_states(tile, lanes, source, offset, state_step, time_step, steps, states):
    """Copies ``states`` numbers a step into rows of ``lanes`` numbers, filled up with zeros."""
    if states == LANES and state_step == 1:
        for t in range(steps):
            vstore(tile, t * lanes, vload(source, offset + t * time_step))
    elif states == LANES and time_step == 1 and steps >= COLUMNS:
        for start in range(0, steps, COLUMNS):
            t = min(start, steps - COLUMNS)
            columns = load_columns(source, offset + t, state_step)
            vstore(tile, t * lanes, columns[0])
            vstore(tile, (t + 1) * lanes, columns[1])
            vstore(tile, (t + 2) * lanes, columns[2])
            vstore(tile, (t + 3) * lanes, columns[3])
    else:
        for t in range(steps):
            for n in range(states):
                tile[t * lanes + n] = source[offset + n * state_step + t * time_step]
            tile[t * lanes + states : (t + 1) * lanes] = 0


@kernel
def write_states(tile, lanes, target, offset, state_step, time_step, steps, states, add):
    """Copies rows of states back, or adds them: the inverse of ``read_states``."""
    if states == LANES and state_step == 1:
        for t in range(steps):
            row = vload(tile, t * lanes)
            if add:
                row = row + vload(target, offset + t * time_step)
            vstore(target, offset + t * time_step, row)
        return
    whole = steps // COLUMNS * COLUMNS if states == LANES and time_step == 1 else 0
    for t in range(0, whole, COLUMNS):
        rows = (
            vload(tile, t * lanes),
            vload(tile, (t + 1) * lanes),
            vload(tile, (t + 2) * lanes),
            vload(tile, (t + 3) * lanes),
        )
        if add:
            old = load_columns(target, offset + t, state_step)
            rows = (rows[0] + old[0], rows[1] + old[1], rows[2] + old[2], rows[3] + old[3])
        store_columns(target, offset + t, state_step, rows)
    for t in range(whole, steps):
        for n in range(states):
            at = offset + n * state_step + t * time_step
            target[at] = tile[t * lanes + n] + (target[at] if add else 0)
