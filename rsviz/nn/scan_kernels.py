"""The selective scan as compiled loops over tiles of LANES channels (forward and backward).

A *unit* of work is one (batch item, group, range of channels, slice of states). It walks the
sequence in chunks of CHUNK steps; in a chunk it treats one block of LANES channels after another,
so that the B and C of the chunk are read once. The forward keeps the state at the end of each
chunk; the backward recomputes the states within a chunk from it, last chunk first, and so never
holds an array of batch x channels x length x states.

Tensors come as flat arrays with strides. Steps or channels must lie side by side: a tile is then
read by whole vectors, through a transposition in registers in the first case.

With x = softplus(delta + bias), gy = dy * silu(z), h_t = exp(x_t A) h_(t-1) + x_t u_t B_t and
y_t = <h_t, C_t> + D u_t, the backward is, from the last step to the first,

    g = dh + gy C;  dC += gy h_t;  dB += g x u;  w = exp(x A) g;  dh = w
    du = x <g, B> + D gy;  dx = u <g, B> + <w h_(t-1), A>;  dA += w h_(t-1) x
"""

import numpy as np
from numba import njit

from rsviz.nn.scan_simd import (
    COLUMNS,
    LANES,
    LN2,
    LOG2E,
    exp2,
    fill,
    flush_denormals,
    load_columns,
    log1p,
    magnitude,
    restore_denormals,
    splat,
    store_columns,
    vload,
    vsplat,
    vstore,
    vsum,
    vzero,
    where_positive,
)

CHUNK = 16  # steps between two kept states; a multiple of COLUMNS
GROUP = 8  # blocks of channels whose states stay in the first-level cache together

kernel = njit(cache=True, nogil=True, error_model="numpy")


@kernel
def scratch(like, size):
    """An uninitialised flat array that starts at a cache line."""
    whole = np.empty(size + 16, like.dtype)
    start = (-whole.ctypes.data // whole.itemsize) % (64 // whole.itemsize)
    return whole[start : start + size]


@kernel
def read_tile(tile, source, offset, channel_step, time_step, steps, channels):
    """Copies ``steps`` steps of ``channels`` channels to rows of LANES channels."""
    if channels < LANES or (channel_step != 1 and steps < COLUMNS):
        for t in range(steps):
            for j in range(channels):
                tile[t * LANES + j] = source[offset + j * channel_step + t * time_step]
            for j in range(channels, LANES):
                tile[t * LANES + j] = 0
    elif channel_step == 1:
        for t in range(steps):
            vstore(tile, t * LANES, vload(source, offset + t * time_step))
    else:
        for start in range(0, steps, COLUMNS):
            t = min(start, steps - COLUMNS)
            columns = load_columns(source, offset + t, channel_step)
            vstore(tile, t * LANES, columns[0])
            vstore(tile, (t + 1) * LANES, columns[1])
            vstore(tile, (t + 2) * LANES, columns[2])
            vstore(tile, (t + 3) * LANES, columns[3])


@kernel
def write_tile(tile, target, offset, channel_step, time_step, steps, channels):
    """Copies rows of LANES channels back: the inverse of ``read_tile``."""
    if channels < LANES or (channel_step != 1 and steps < COLUMNS):
        for t in range(steps):
            for j in range(channels):
                target[offset + j * channel_step + t * time_step] = tile[t * LANES + j]
    elif channel_step == 1:
        for t in range(steps):
            vstore(target, offset + t * time_step, vload(tile, t * LANES))
    else:
        for start in range(0, steps, COLUMNS):
            t = min(start, steps - COLUMNS)
            columns = (
                vload(tile, t * LANES),
                vload(tile, (t + 1) * LANES),
                vload(tile, (t + 2) * LANES),
                vload(tile, (t + 3) * LANES),
            )
            store_columns(target, offset + t, channel_step, columns)


@kernel
def _read_states(tile, source, offset, state_step, time_step, steps, states):
    """Copies ``states`` numbers a step to a tile of rows a step."""
    for t in range(steps):
        for n in range(states):
            tile[t * states + n] = source[offset + n * state_step + t * time_step]


@kernel
def sigmoid(value):
    """1 / (1 + exp(-v)) lane by lane, without overflow."""
    small = exp2(magnitude(value) * fill(value, -LOG2E))
    one = fill(value, 1.0)
    return where_positive(value, one, small) / (one + small)


@kernel
def _soften(tile, bias, steps, softplus):
    """Turns delta into step sizes in place: adds the bias, then log(1 + exp(.)) if asked."""
    for t in range(steps):
        value = vload(tile, t * LANES) + bias
        if softplus:
            small = exp2(magnitude(value) * fill(value, -LOG2E))
            value = where_positive(value, value, vzero(tile)) + log1p(small)
        vstore(tile, t * LANES, value)


@kernel
def forward(
    u, u_step, delta, delta_step, a, b, b_step, c, c_step, skip, bias, softplus, z, z_step,
    start, y, y_step, kept, last, shape, first_unit, last_unit,
):  # fmt: skip
    """Scans the units [first_unit, last_unit).

    Empty arrays stand for what is absent: z, start (zero), kept (no backward to come), last.

    Args:
        u, delta, z, y: (batch, channels, steps), with their strides; y has one more axis in
            front, a partial sum for each slice of the states.
        a: (group, block, state, lane), A times log2(e).
        b, c: (batch, group, state, step), with their strides.
        skip, bias: (group, block, lane).
        start, last: (batch, group, block, state, lane).
        kept: (batch, group, block, chunk - 1, state, lane), the states between chunks.
        shape: batch, groups, channels in a group, blocks in a group, states, steps, ranges of
            channels, slices of states.
    """
    _, groups, channels, blocks, states, steps, ranges, slices = shape
    chunks = (steps + CHUNK - 1) // CHUNK
    former = flush_denormals()
    x_tile = scratch(u, CHUNK * LANES)
    u_tile = scratch(u, CHUNK * LANES)
    y_tile = scratch(u, CHUNK * LANES)
    h_tile = scratch(u, GROUP * states * LANES)
    b_tile = scratch(u, CHUNK * states)
    c_tile = scratch(u, CHUNK * states)
    for unit in range(first_unit, last_unit):
        part = unit % slices
        piece = unit // slices % ranges
        g = unit // (slices * ranges) % groups
        i = unit // (slices * ranges * groups)
        n0 = states * part // slices
        n1 = states * (part + 1) // slices
        size = (n1 - n0) * LANES
        block0 = blocks * piece // ranges
        block1 = blocks * (piece + 1) // ranges
        for group0 in range(block0, block1, GROUP):
            group1 = min(group0 + GROUP, block1)
            for k in range(group0, group1):
                at = (k - group0) * size
                state = ((i * groups + g) * blocks + k) * states * LANES + n0 * LANES
                if start.size:
                    h_tile[at : at + size] = start[state : state + size]
                else:
                    h_tile[at : at + size] = 0
            for chunk in range(chunks):
                t0 = chunk * CHUNK
                m = min(CHUNK, steps - t0)
                at = i * b_step[0] + g * b_step[1] + n0 * b_step[2] + t0 * b_step[3]
                _read_states(b_tile, b, at, b_step[2], b_step[3], m, n1 - n0)
                at = i * c_step[0] + g * c_step[1] + n0 * c_step[2] + t0 * c_step[3]
                _read_states(c_tile, c, at, c_step[2], c_step[3], m, n1 - n0)
                for k in range(group0, group1):
                    d = g * channels + k * LANES
                    nd = min(LANES, channels - k * LANES)
                    lane = (g * blocks + k) * LANES
                    at = i * delta_step[0] + d * delta_step[1] + t0 * delta_step[2]
                    read_tile(x_tile, delta, at, delta_step[1], delta_step[2], m, nd)
                    at = i * u_step[0] + d * u_step[1] + t0 * u_step[2]
                    read_tile(u_tile, u, at, u_step[1], u_step[2], m, nd)
                    _soften(x_tile, vload(bias, lane), m, softplus)
                    h = (k - group0) * size
                    if kept.size and chunk:
                        row = ((i * groups + g) * blocks + k) * (chunks - 1) + chunk - 1
                        at = (row * states + n0) * LANES
                        kept[at : at + size] = h_tile[h : h + size]
                    through = vload(skip, lane) if part == 0 else vzero(u)
                    a0 = lane * states + n0 * LANES
                    for t in range(m):
                        x = vload(x_tile, t * LANES)
                        value = vload(u_tile, t * LANES)
                        total = value * through
                        q = x * value
                        for n in range(n1 - n0):
                            decay = exp2(x * vload(a, a0 + n * LANES))
                            s = t * (n1 - n0) + n
                            state = decay * vload(h_tile, h + n * LANES) + q * vsplat(b_tile, s)
                            vstore(h_tile, h + n * LANES, state)
                            total = total + state * vsplat(c_tile, s)
                        vstore(y_tile, t * LANES, total)
                    if z.size:
                        at = i * z_step[0] + d * z_step[1] + t0 * z_step[2]
                        read_tile(u_tile, z, at, z_step[1], z_step[2], m, nd)
                        for t in range(m):
                            gate = vload(u_tile, t * LANES)
                            gated = vload(y_tile, t * LANES) * gate * sigmoid(gate)
                            vstore(y_tile, t * LANES, gated)
                    at = part * y_step[0] + i * y_step[1] + d * y_step[2] + t0 * y_step[3]
                    write_tile(y_tile, y, at, y_step[2], y_step[3], m, nd)
            if last.size:
                for k in range(group0, group1):
                    at = (k - group0) * size
                    state = ((i * groups + g) * blocks + k) * states * LANES + n0 * LANES
                    last[state : state + size] = h_tile[at : at + size]
    restore_denormals(former)


@kernel
def backward(
    u, u_step, delta, delta_step, a, b, b_step, c, c_step, skip, bias, softplus, z, z_step,
    start, kept, dy, dy_step, dlast, du, ddelta, dz, d_step, db, dc, dbc_step, da, dskip, dbias,
    dstart, shape, first_unit, last_unit,
):  # fmt: skip
    """Gradients of the units [first_unit, last_unit); the arguments of ``forward``, and

    Args:
        dy, dlast: gradients of the result and of the last state (or empty).
        du, ddelta, dz: (slice, batch, channels, steps) with their common strides; written.
        db, dc: (range, batch, group, state, step) with their common strides; added to.
        da, dskip, dbias: like a, skip, bias; added to, hence one set for each thread.
        dstart: like start, or empty; written.
    """
    _, groups, channels, blocks, states, steps, ranges, slices = shape
    chunks = (steps + CHUNK - 1) // CHUNK
    former = flush_denormals()
    x_tile = scratch(u, CHUNK * LANES)
    u_tile = scratch(u, CHUNK * LANES)
    g_tile = scratch(u, CHUNK * LANES)
    z_tile = scratch(u, CHUNK * LANES)
    slope_tile = scratch(u, CHUNK * LANES)
    y_tile = scratch(u, CHUNK * LANES)
    decay_tile = scratch(u, CHUNK * states * LANES)
    h_tile = scratch(u, (CHUNK + 1) * states * LANES)
    db_tile = scratch(u, CHUNK * states * LANES)
    dc_tile = scratch(u, CHUNK * states * LANES)
    da_tile = scratch(u, states * LANES)
    dh_tile = scratch(u, GROUP * states * LANES)
    b_tile = scratch(u, CHUNK * states)
    c_tile = scratch(u, CHUNK * states)
    for unit in range(first_unit, last_unit):
        part = unit % slices
        piece = unit // slices % ranges
        g = unit // (slices * ranges) % groups
        i = unit // (slices * ranges * groups)
        n0 = states * part // slices
        ns = states * (part + 1) // slices - n0
        size = ns * LANES
        block0 = blocks * piece // ranges
        block1 = blocks * (piece + 1) // ranges
        for group0 in range(block0, block1, GROUP):
            group1 = min(group0 + GROUP, block1)
            for k in range(group0, group1):
                at = (k - group0) * size
                state = ((i * groups + g) * blocks + k) * states * LANES + n0 * LANES
                if dlast.size:
                    dh_tile[at : at + size] = dlast[state : state + size]
                else:
                    dh_tile[at : at + size] = 0
            for chunk in range(chunks - 1, -1, -1):
                t0 = chunk * CHUNK
                m = min(CHUNK, steps - t0)
                at = i * b_step[0] + g * b_step[1] + n0 * b_step[2] + t0 * b_step[3]
                _read_states(b_tile, b, at, b_step[2], b_step[3], m, ns)
                at = i * c_step[0] + g * c_step[1] + n0 * c_step[2] + t0 * c_step[3]
                _read_states(c_tile, c, at, c_step[2], c_step[3], m, ns)
                db_tile[: m * size] = 0
                dc_tile[: m * size] = 0
                for k in range(group0, group1):
                    d = g * channels + k * LANES
                    nd = min(LANES, channels - k * LANES)
                    lane = (g * blocks + k) * LANES
                    at = i * delta_step[0] + d * delta_step[1] + t0 * delta_step[2]
                    read_tile(x_tile, delta, at, delta_step[1], delta_step[2], m, nd)
                    at = i * u_step[0] + d * u_step[1] + t0 * u_step[2]
                    read_tile(u_tile, u, at, u_step[1], u_step[2], m, nd)
                    at = i * dy_step[0] + d * dy_step[1] + t0 * dy_step[2]
                    read_tile(g_tile, dy, at, dy_step[1], dy_step[2], m, nd)
                    _slopes(slope_tile, x_tile, vload(bias, lane), m, softplus)
                    _soften(x_tile, vload(bias, lane), m, softplus)
                    through = vload(skip, lane) if part == 0 else vzero(u)
                    a0 = lane * states + n0 * LANES
                    # States within the chunk, from the one kept before it.
                    row = ((i * groups + g) * blocks + k) * (chunks - 1) + chunk - 1
                    at = (row * states + n0) * LANES
                    state = ((i * groups + g) * blocks + k) * states * LANES + n0 * LANES
                    if chunk:
                        h_tile[:size] = kept[at : at + size]
                    elif start.size:
                        h_tile[:size] = start[state : state + size]
                    else:
                        h_tile[:size] = 0
                    for t in range(m):
                        x = vload(x_tile, t * LANES)
                        value = vload(u_tile, t * LANES)
                        total = value * through
                        q = x * value
                        for n in range(ns):
                            s = (t * ns + n) * LANES
                            decay = exp2(x * vload(a, a0 + n * LANES))
                            h = decay * vload(h_tile, s) + q * vsplat(b_tile, t * ns + n)
                            vstore(decay_tile, s, decay)
                            vstore(h_tile, s + size, h)
                            total = total + h * vsplat(c_tile, t * ns + n)
                        vstore(y_tile, t * LANES, total)
                    if z.size:
                        at = i * z_step[0] + d * z_step[1] + t0 * z_step[2]
                        read_tile(z_tile, z, at, z_step[1], z_step[2], m, nd)
                        for t in range(m):
                            gate = vload(z_tile, t * LANES)
                            gy = vload(g_tile, t * LANES)
                            share = sigmoid(gate)
                            slope = share * (fill(gate, 1.0) + gate * (fill(gate, 1.0) - share))
                            vstore(z_tile, t * LANES, gy * vload(y_tile, t * LANES) * slope)
                            vstore(g_tile, t * LANES, gy * gate * share)
                        at = part * d_step[0] + i * d_step[1] + d * d_step[2] + t0 * d_step[3]
                        write_tile(z_tile, dz, at, d_step[2], d_step[3], m, nd)
                    # Back through the chunk.
                    da_tile[:size] = 0
                    to_skip = vzero(u)
                    to_bias = vzero(u)
                    dh = (k - group0) * size
                    for t in range(m - 1, -1, -1):
                        x = vload(x_tile, t * LANES)
                        value = vload(u_tile, t * LANES)
                        gy = vload(g_tile, t * LANES)
                        q = x * value
                        along_b = vzero(u)
                        along_a = vzero(u)
                        for n in range(ns):
                            s = (t * ns + n) * LANES
                            grad = vload(dh_tile, dh + n * LANES) + gy * vsplat(c_tile, t * ns + n)
                            vstore(dc_tile, s, vload(dc_tile, s) + gy * vload(h_tile, s + size))
                            vstore(db_tile, s, vload(db_tile, s) + grad * q)
                            along_b = along_b + grad * vsplat(b_tile, t * ns + n)
                            back = vload(decay_tile, s) * grad
                            vstore(dh_tile, dh + n * LANES, back)
                            to_a = back * vload(h_tile, s)
                            along_a = along_a + to_a * vload(a, a0 + n * LANES)
                            at = n * LANES
                            vstore(da_tile, at, vload(da_tile, at) + to_a * x)
                        to_skip = to_skip + gy * value
                        dx = value * along_b + along_a * fill(x, LN2)
                        dx = dx * vload(slope_tile, t * LANES)
                        to_bias = to_bias + dx
                        vstore(x_tile, t * LANES, dx)
                        vstore(u_tile, t * LANES, along_b * x + gy * through)
                    at = part * d_step[0] + i * d_step[1] + d * d_step[2] + t0 * d_step[3]
                    write_tile(x_tile, ddelta, at, d_step[2], d_step[3], m, nd)
                    write_tile(u_tile, du, at, d_step[2], d_step[3], m, nd)
                    for n in range(ns):
                        at = a0 + n * LANES
                        vstore(da, at, vload(da, at) + vload(da_tile, n * LANES))
                    if part == 0:
                        vstore(dskip, lane, vload(dskip, lane) + to_skip)
                    vstore(dbias, lane, vload(dbias, lane) + to_bias)
                at = piece * dbc_step[0] + i * dbc_step[1] + g * dbc_step[2]
                at += n0 * dbc_step[3] + t0 * dbc_step[4]
                for t in range(m):
                    for n in range(ns):
                        s = at + n * dbc_step[3] + t * dbc_step[4]
                        db[s] += vsum(vload(db_tile, (t * ns + n) * LANES))
                        dc[s] += vsum(vload(dc_tile, (t * ns + n) * LANES))
            if dstart.size:
                for k in range(group0, group1):
                    at = (k - group0) * size
                    state = ((i * groups + g) * blocks + k) * states * LANES + n0 * LANES
                    dstart[state : state + size] = dh_tile[at : at + size]
    restore_denormals(former)


@kernel
def _slopes(slopes, tile, bias, steps, softplus):
    """The derivative of ``_soften``: sigmoid(delta + bias), or one."""
    for t in range(steps):
        value = vload(tile, t * LANES) + bias
        vstore(slopes, t * LANES, sigmoid(value) if softplus else fill(value, 1.0))
