"""The selective scan as compiled loops whose vectors hold the states of a channel.

A *unit* of work is one (batch item, group, range of channels). It walks the sequence in chunks of
CHUNK steps; within a chunk it treats the channels in blocks of LANES, so that the B and C of the
chunk are read once. The forward keeps the states between chunks; the backward starts from the last
chunk, recomputes the states inside it, and so never holds an array of batch x channels x length x
states. Sums over the states are taken for LANES rows at once (``vsum_rows``).

With x = softplus(delta + bias), gy = dy silu(z), h_t = exp(x_t A) h_(t-1) + x_t u_t B_t and
y_t = <h_t, C_t> + D u_t, the gradients are, from the last step to the first,

    g = dh + gy C;  dC += gy h_t;  dB += g x u;  w = exp(x A) g;  dh = w
    du = x <g, B> + D gy;  dx = u <g, B> + <w h_(t-1), A>;  dA += w h_(t-1) x

Tensors are tuples (address, strides), see ``scan_tiles``; an address of 0 means that there is none.
"""

from rsviz.nn.scan_simd import (
    LANES,
    LN2,
    LOG2E,
    exp2,
    fill,
    flush_denormals,
    log1p,
    magnitude,
    pointer,
    restore_denormals,
    shift,
    vload,
    vsplat,
    vstore,
    vsum_rows,
    vzero,
    where_positive,
)
from rsviz.nn.scan_tiles import (
    CHUNK,
    TILE,
    add_rows,
    clear,
    copy,
    fill_rows,
    kernel,
    per_row,
    read_states,
    read_tile,
    row_width,
    write_states,
    write_tile,
)

GROUP = 128  # channels whose states stay in the first-level cache together; a multiple of LANES


def scratch_size(lanes: int) -> int:
    """How many numbers of scratch memory a thread needs, for so many lanes of states."""
    return 16 * TILE + 4 * CHUNK * lanes + GROUP * (lanes + 2 * LANES) + LANES


@kernel
def sigmoid(value):
    """1 / (1 + exp(-v)) lane by lane, without overflow."""
    small = exp2(magnitude(value) * fill(value, -LOG2E))
    one = fill(value, 1.0)
    return where_positive(value, one, small) / (one + small)


@kernel
def _soften(tile, biases, channel, width, size, softplus):
    """Turns delta into step sizes in place: adds the bias, then log(1 + exp(.)) if asked."""
    for r in range(0, size, LANES):
        value = vload(tile, r) + per_row(biases, channel, r, width)
        if softplus:
            small = exp2(magnitude(value) * fill(value, -LOG2E))
            value = where_positive(value, value, vzero(tile)) + log1p(small)
        vstore(tile, r, value)


@kernel
def _channels(unit, shape):
    """The batch item, the group, and the range of channels of a unit of work."""
    groups, channels, ranges = shape[1], shape[2], shape[5]
    piece = unit % ranges
    g = unit // ranges % groups
    per_group = channels // groups
    first = g * per_group + per_group * piece // ranges
    end = g * per_group + per_group * (piece + 1) // ranges
    return unit // (ranges * groups), g, first, end


@kernel
def forward(
    u, delta, a, b, c, skip, bias, softplus, z, start, y, kept, last, shape, work, first, end
):
    """Scans the units [first, end).

    Args:
        u, delta, z, y: (batch, channels, steps).
        a: address of (channels, lanes), A times log2(e); ``lanes`` are the states filled up to
            whole vectors.
        b, c: (batch, group, state, step).
        skip, bias: addresses of (channels,).
        start, last: addresses of (batch, channels, lanes).
        kept: address of (batch, chunk - 1, channels, lanes), the states between chunks.
        shape: batch, groups, channels, states, steps, ranges of channels in a group.
        work: scratch memory, the thread's own; its kind of number is that of all.
    """
    _, _, channels, states, steps, _ = shape
    lanes = (states + LANES - 1) // LANES * LANES
    chunks = (steps + CHUNK - 1) // CHUNK
    kind = work[0]
    x_tile = pointer(kind, work.ctypes.data)
    u_tile = shift(x_tile, TILE)
    q_tile = shift(x_tile, 2 * TILE)
    y_tile = shift(x_tile, 3 * TILE)
    rows = shift(x_tile, 4 * TILE)
    b_tile = shift(x_tile, 5 * TILE)
    c_tile = shift(b_tile, CHUNK * lanes)
    h_tile = shift(c_tile, CHUNK * lanes)
    biases = shift(h_tile, GROUP * lanes)
    skips = shift(biases, GROUP * LANES)
    rates = pointer(kind, a)
    short, filled = 0, -1
    former = flush_denormals()
    for unit in range(first, end):
        i, g, first_channel, end_channel = _channels(unit, shape)
        for d0 in range(first_channel, end_channel, GROUP):
            d1 = min(d0 + GROUP, end_channel)
            held = (d1 - d0) * lanes
            state = (i * channels + d0) * lanes
            if start:
                copy(h_tile, shift(pointer(kind, start), state), held)
            else:
                clear(h_tile, held)
            for chunk in range(chunks):
                t0 = chunk * CHUNK
                m = min(CHUNK, steps - t0)
                width = row_width(m)
                if min(width, LANES) != short or d0 != filled:
                    short, filled = min(width, LANES), d0
                    fill_rows(biases, pointer(kind, bias), d0, short, d1 - d0)
                    fill_rows(skips, pointer(kind, skip), d0, short, d1 - d0)
                if kept and chunk:
                    at = ((i * (chunks - 1) + chunk - 1) * channels + d0) * lanes
                    copy(shift(pointer(kind, kept), at), h_tile, held)
                read_states(b_tile, lanes, b, i, g, t0, m, states)
                read_states(c_tile, lanes, c, i, g, t0, m, states)
                for d in range(d0, d1, LANES):
                    nd = min(LANES, d1 - d)
                    size = nd * width
                    read_tile(x_tile, width, delta, i, d, t0, m, nd)
                    read_tile(u_tile, width, u, i, d, t0, m, nd)
                    _soften(x_tile, biases, d - d0, width, size, softplus)
                    for r in range(0, size, LANES):
                        vstore(q_tile, r, vload(x_tile, r) * vload(u_tile, r))
                    done = 0
                    for j in range(nd):
                        at = j * width
                        for v in range(0, lanes, LANES):
                            n = (d - d0 + j) * lanes + v
                            h = _run(
                                vload(h_tile, n), vload(rates, d0 * lanes + n),
                                shift(x_tile, at), shift(q_tile, at), shift(b_tile, v),
                                shift(c_tile, v), lanes, m, shift(rows, (at - done) * LANES), v > 0,
                            )  # fmt: skip
                            vstore(h_tile, n, h)
                        full = at + width
                        if full % LANES == 0 or j == nd - 1:
                            for r in range(done, full, LANES):
                                vstore(y_tile, r, vsum_rows(rows, (r - done) * LANES))
                            done = full
                    for r in range(0, size, LANES):
                        direct = vload(u_tile, r) * per_row(skips, d - d0, r, width)
                        vstore(y_tile, r, vload(y_tile, r) + direct)
                    if z[0]:
                        read_tile(u_tile, width, z, i, d, t0, m, nd)
                        for r in range(0, size, LANES):
                            gate = vload(u_tile, r)
                            vstore(y_tile, r, vload(y_tile, r) * gate * sigmoid(gate))
                    write_tile(y_tile, width, y, i, d, t0, m, nd)
            if last:
                copy(shift(pointer(kind, last), state), h_tile, held)
    restore_denormals(former)


@kernel
def _run(h, rates, x, q, b, c, lanes, steps, rows, add):
    """Runs one channel through a chunk: a row of products <h, C> a step; returns the state."""
    for t in range(steps):
        h = exp2(vsplat(x, t) * rates) * h + vsplat(q, t) * vload(b, t * lanes)
        part = h * vload(c, t * lanes)
        vstore(rows, t * LANES, part + vload(rows, t * LANES) if add else part)
    return h


@kernel
def backward(
    u, delta, a, b, c, skip, bias, softplus, z, start, kept, dy, dlast, du, ddelta, dz, db, dc,
    db_step, da, dskip, dbias, dstart, shape, work, first, end,
):  # fmt: skip
    """Gradients of the units [first, end). Beside the arguments of ``forward``:

    Args:
        dy, du, ddelta, dz: (batch, channels, steps); all but dy are written.
        dlast, dstart: addresses of (batch, channels, lanes).
        db, dc: addresses of (range, batch, group, state, step), written, with strides db_step.
        da, dskip, dbias: addresses of arrays like a, skip, bias, the thread's own; added to.
    """
    _, _, channels, states, steps, ranges = shape
    lanes = (states + LANES - 1) // LANES * LANES
    chunks = (steps + CHUNK - 1) // CHUNK
    kind = work[0]
    x_tile = pointer(kind, work.ctypes.data)
    u_tile = shift(x_tile, TILE)
    q_tile = shift(x_tile, 2 * TILE)
    y_tile = shift(x_tile, 3 * TILE)
    g_tile = shift(x_tile, 4 * TILE)
    z_tile = shift(x_tile, 5 * TILE)
    slopes = shift(x_tile, 6 * TILE)
    along_a = shift(x_tile, 7 * TILE)
    along_b = shift(x_tile, 8 * TILE)
    rows_a = shift(x_tile, 9 * TILE)
    rows_b = shift(x_tile, 10 * TILE)
    rows_c = shift(x_tile, 11 * TILE)
    decays = shift(x_tile, 12 * TILE)
    h_rows = shift(x_tile, 13 * TILE)
    b_tile = shift(x_tile, 14 * TILE)
    c_tile = shift(b_tile, CHUNK * lanes)
    db_tile = shift(c_tile, CHUNK * lanes)
    dc_tile = shift(db_tile, CHUNK * lanes)
    dh_tile = shift(dc_tile, CHUNK * lanes)
    biases = shift(dh_tile, GROUP * lanes)
    skips = shift(biases, GROUP * LANES)
    rates = pointer(kind, a)
    short, filled = 0, -1
    former = flush_denormals()
    for unit in range(first, end):
        i, g, first_channel, end_channel = _channels(unit, shape)
        for d0 in range(first_channel, end_channel, GROUP):
            d1 = min(d0 + GROUP, end_channel)
            held = (d1 - d0) * lanes
            state = (i * channels + d0) * lanes
            if dlast:
                copy(dh_tile, shift(pointer(kind, dlast), state), held)
            else:
                clear(dh_tile, held)
            for chunk in range(chunks - 1, -1, -1):
                t0 = chunk * CHUNK
                m = min(CHUNK, steps - t0)
                width = row_width(m)
                if min(width, LANES) != short or d0 != filled:
                    short, filled = min(width, LANES), d0
                    fill_rows(biases, pointer(kind, bias), d0, short, d1 - d0)
                    fill_rows(skips, pointer(kind, skip), d0, short, d1 - d0)
                read_states(b_tile, lanes, b, i, g, t0, m, states)
                read_states(c_tile, lanes, c, i, g, t0, m, states)
                clear(db_tile, m * lanes)
                clear(dc_tile, m * lanes)
                before = pointer(kind, start)
                if chunk:
                    at = (i * (chunks - 1) + chunk - 1) * channels * lanes
                    before = shift(pointer(kind, kept), at)
                elif start:
                    before = shift(before, i * channels * lanes)
                for d in range(d0, d1, LANES):
                    nd = min(LANES, d1 - d)
                    size = nd * width
                    read_tile(x_tile, width, delta, i, d, t0, m, nd)
                    read_tile(u_tile, width, u, i, d, t0, m, nd)
                    read_tile(g_tile, width, dy, i, d, t0, m, nd)
                    if z[0]:
                        read_tile(z_tile, width, z, i, d, t0, m, nd)
                        _open_gate(z_tile, g_tile, size)
                    _slopes(slopes, x_tile, biases, d - d0, width, size, softplus)
                    _soften(x_tile, biases, d - d0, width, size, softplus)
                    for r in range(0, size, LANES):
                        vstore(q_tile, r, vload(x_tile, r) * vload(u_tile, r))
                    done = 0
                    for j in range(nd):
                        at = j * width
                        row = (at - done) * LANES
                        x, q, gy = shift(x_tile, at), shift(q_tile, at), shift(g_tile, at)
                        for v in range(0, lanes, LANES):
                            n = (d + j) * lanes + v
                            h = vload(before, n) if chunk or start else vzero(x)
                            rate = vload(rates, n)
                            _replay(h, rate, x, q, shift(b_tile, v), lanes, m, decays, h_rows)
                            if z[0]:
                                _weigh(h_rows, shift(c_tile, v), lanes, m, shift(rows_c, row), v > 0)
                            at_dh = n - d0 * lanes
                            dh, sum_a = _step_back(
                                vload(dh_tile, at_dh), rate, x, q, gy, shift(b_tile, v),
                                shift(c_tile, v), lanes, m, decays, h_rows, shift(db_tile, v),
                                shift(dc_tile, v), shift(rows_a, row), shift(rows_b, row), v > 0,
                            )  # fmt: skip
                            vstore(dh_tile, at_dh, dh)
                            to_a = pointer(kind, da)
                            vstore(to_a, n, vload(to_a, n) + sum_a)
                        full = at + width
                        if full % LANES == 0 or j == nd - 1:
                            for r in range(done, full, LANES):
                                row = (r - done) * LANES
                                vstore(along_a, r, vsum_rows(rows_a, row))
                                vstore(along_b, r, vsum_rows(rows_b, row))
                                if z[0]:
                                    vstore(y_tile, r, vsum_rows(rows_c, row))
                            done = full
                    for r in range(0, size, LANES):
                        value, gy = vload(u_tile, r), vload(g_tile, r)
                        direct = per_row(skips, d - d0, r, width)
                        if z[0]:
                            y = vload(y_tile, r) + value * direct
                            vstore(z_tile, r, vload(z_tile, r) * y)
                        to_x = value * vload(along_b, r) + vload(along_a, r) * fill(gy, LN2)
                        vstore(along_a, r, to_x * vload(slopes, r))
                        vstore(along_b, r, vload(along_b, r) * vload(x_tile, r) + gy * direct)
                        vstore(u_tile, r, gy * value)
                    if z[0]:
                        write_tile(z_tile, width, dz, i, d, t0, m, nd)
                    write_tile(along_a, width, ddelta, i, d, t0, m, nd)
                    write_tile(along_b, width, du, i, d, t0, m, nd)
                    add_rows(pointer(kind, dbias), d, along_a, width, m, nd)
                    add_rows(pointer(kind, dskip), d, u_tile, width, m, nd)
                at = unit % ranges * db_step[0] + i * db_step[1] + g * db_step[2] + t0 * db_step[4]
                again = d0 != first_channel
                write_states(db_tile, lanes, (db, db_step[3], db_step[4]), at, m, states, again)
                write_states(dc_tile, lanes, (dc, db_step[3], db_step[4]), at, m, states, again)
            if dstart:
                copy(shift(pointer(kind, dstart), state), dh_tile, held)
    restore_denormals(former)


@kernel
def _slopes(slopes, tile, biases, channel, width, size, softplus):
    """The derivative of ``_soften``."""
    for r in range(0, size, LANES):
        value = vload(tile, r) + per_row(biases, channel, r, width)
        vstore(slopes, r, sigmoid(value) if softplus else fill(value, 1.0))


@kernel
def _open_gate(gate_tile, grad_tile, size):
    """Turns dy into dy silu(z), and z into the factor that gives dz when y is known."""
    for r in range(0, size, LANES):
        gate = vload(gate_tile, r)
        grad = vload(grad_tile, r)
        share = sigmoid(gate)
        one = fill(gate, 1.0)
        vstore(grad_tile, r, grad * gate * share)
        vstore(gate_tile, r, grad * share * (one + gate * (one - share)))


@kernel
def _replay(h, rates, x, q, b, lanes, steps, decays, h_rows):
    """Runs one channel through a chunk again and keeps its decays and states."""
    vstore(h_rows, 0, h)
    for t in range(steps):
        decay = exp2(vsplat(x, t) * rates)
        h = decay * h + vsplat(q, t) * vload(b, t * lanes)
        vstore(decays, t * LANES, decay)
        vstore(h_rows, (t + 1) * LANES, h)


@kernel
def _weigh(h_rows, c, lanes, steps, rows, add):
    """Multiplies one channel's states with C: rows whose sums are y."""
    for t in range(steps):
        part = vload(h_rows, (t + 1) * LANES) * vload(c, t * lanes)
        vstore(rows, t * LANES, part + vload(rows, t * LANES) if add else part)


@kernel
def _step_back(
    dh, rates, x, q, gy, b, c, lanes, steps, decays, h_rows, db, dc, rows_a, rows_b, add
):
    """Takes one channel back through a chunk; returns the gradients of its state and its A."""
    sum_a = vzero(x)
    for t in range(steps - 1, -1, -1):
        s, r = t * lanes, t * LANES
        grad = vsplat(gy, t) * vload(c, s) + dh
        vstore(dc, s, vload(dc, s) + vsplat(gy, t) * vload(h_rows, r + LANES))
        vstore(db, s, vload(db, s) + grad * vsplat(q, t))
        to_b = grad * vload(b, s)
        dh = vload(decays, r) * grad
        through = dh * vload(h_rows, r)
        sum_a = sum_a + through * vsplat(x, t)
        to_a = through * rates
        vstore(rows_b, r, to_b + vload(rows_b, r) if add else to_b)
        vstore(rows_a, r, to_a + vload(rows_a, r) if add else to_a)
    return dh, sum_a
