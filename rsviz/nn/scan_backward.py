"""The selective scan backward; how work is cut up is told in ``scan_forward``.

With x = softplus(delta + bias), gy = dy silu(z), h_t = exp(x_t A) h_(t-1) + x_t u_t B_t and
y_t = <h_t, C_t> + D u_t, the gradients are, from the last step to the first,

    g = dh + gy C;  dC += gy h_t;  dB += g x u;  w = exp(x A) g;  dh = w
    du = x <g, B> + D gy;  dx = u <g, B> + <w h_(t-1), A>;  dA += w h_(t-1) x
"""

from rsviz.nn.scan_cache import kernel
from rsviz.nn.scan_forward import GROUP, channels_of, read_states, replay, sigmoid, soften
from rsviz.nn.scan_shuffles import vsum_rows
from rsviz.nn.scan_simd import (
    LANES,
    LN2,
    fill,
    flush_denormals,
    pointer,
    restore_denormals,
    shift,
    vload,
    vsplat,
    vstore,
    vzero,
)
from rsviz.nn.scan_tiles import (
    CHUNK,
    TILE,
    add_rows,
    clear,
    copy,
    fill_rows,
    multiply,
    per_row,
    read_tile,
    row_width,
    write_rows,
    write_tile,
)


@kernel
def backward(  # noqa: PLR0912, PLR0915 - one nest of loops
    u, delta, a, b, c, skip, bias, softplus, z, start, kept, dy, dlast, du, ddelta, dz, db, dc,
    db_step, da, dskip, dbias, dstart, shape, work, first, end,
):  # fmt: skip
    """Gradients of the units [first, end). Beside the arguments of ``forward``:

    Args:
        dy, du, ddelta, dz: (batch, channels, steps); all but dy are written.
        dlast, dstart: addresses of (batch, channels, lanes).
        db, dc: addresses of (batch, group, state, step) with strides db_step, written; or, where
            the channels of a group are several ranges, of a dense (range, batch, group, step,
            lanes) each, for ``join`` to add up.
        da, dskip, dbias: addresses of arrays like a, skip, bias, the thread's own; added to.
    """
    batch, groups, channels, states, steps, ranges = shape
    apart = ranges > 1
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
    filled = (0, 0)
    former = flush_denormals()
    for unit in range(first, end):
        i, g, first_channel, end_channel = channels_of(unit, shape)
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
                if (width, d0) != filled:
                    filled = (width, d0)
                    fill_rows(biases, pointer(kind, bias), d0, width, d1 - d0)
                    fill_rows(skips, pointer(kind, skip), d0, width, d1 - d0)
                read_states(b_tile, lanes, b, i, g, t0, m, states)
                read_states(c_tile, lanes, c, i, g, t0, m, states)
                if apart:
                    at = (unit % ranges * batch + i) * groups + g
                    at = (at * steps + t0) * lanes
                    db_tile, dc_tile = shift(pointer(kind, db), at), shift(pointer(kind, dc), at)
                if not apart or d0 == first_channel:
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
                    soften(x_tile, biases, d - d0, width, size, softplus)
                    multiply(q_tile, x_tile, u_tile, size)
                    done = 0
                    for j in range(nd):
                        at = j * width
                        row = (at - done) * LANES
                        x, q, gy = shift(x_tile, at), shift(q_tile, at), shift(g_tile, at)
                        for v in range(0, lanes, LANES):
                            n = (d + j) * lanes + v
                            h = vload(before, n) if chunk or start else vzero(x)
                            rate = vload(rates, n)
                            replay(h, rate, x, q, shift(b_tile, v), lanes, m, decays, h_rows)
                            if z[0]:
                                _weigh(
                                    h_rows, shift(c_tile, v), lanes, m, shift(rows_c, row), v > 0
                                )
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
                if not apart:
                    again = d0 != first_channel
                    write_states(db_tile, lanes, db, db_step, i, g, t0, m, states, again)
                    write_states(dc_tile, lanes, dc, db_step, i, g, t0, m, states, again)
            if dstart:
                copy(shift(pointer(kind, dstart), state), dh_tile, held)
    restore_denormals(former)


@kernel
def write_states(tile, lanes, base, strides, i, g, t0, steps, states, add):
    """Copies the rows of a chunk to (batch, group, state, step), or adds them."""
    at = i * strides[0] + g * strides[1] + t0 * strides[3]
    target = shift(pointer(tile[0], base), at)
    write_rows(tile, lanes, target, strides[2], strides[3], steps, states, add)


@kernel
def join(parts, target, strides, shape, work, first, end):
    """Adds up what the ranges of channels give, for the chunks [first, end) of all sequences.

    Args:
        parts: address of (range, batch, group, step, lanes), dense.
        target: address of (batch, group, state, step), with ``strides``; written.
        shape, work: as in ``forward``.
    """
    batch, groups, _, states, steps, ranges = shape
    lanes = (states + LANES - 1) // LANES * LANES
    chunks = (steps + CHUNK - 1) // CHUNK
    kind = work[0]
    tile = pointer(kind, work.ctypes.data)
    source = pointer(kind, parts)
    apart = batch * groups * steps * lanes
    for unit in range(first, end):
        sequence, chunk = unit // chunks, unit % chunks
        t0 = chunk * CHUNK
        m = min(CHUNK, steps - t0)
        at = (sequence * steps + t0) * lanes
        for r in range(0, m * lanes, LANES):
            total = vload(source, at + r)
            for piece in range(1, ranges):
                total = total + vload(source, piece * apart + at + r)
            vstore(tile, r, total)
        i, g = sequence // groups, sequence % groups
        write_states(tile, lanes, target, strides, i, g, t0, m, states, False)


@kernel
def _slopes(slopes, tile, biases, channel, width, size, softplus):
    """The derivative of ``soften``."""
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
        to_h = vsplat(gy, t) * vload(c, s)
        grad = to_h + dh
        vstore(dc, s, vload(dc, s) + vsplat(gy, t) * vload(h_rows, r + LANES))
        vstore(db, s, vload(db, s) + grad * vsplat(q, t))
        to_b = grad * vload(b, s)
        # Not decay * grad: only one operation may wait for the step before.
        dh = vload(decays, r) * dh + vload(decays, r) * to_h
        through = dh * vload(h_rows, r)
        sum_a = sum_a + through * vsplat(x, t)
        to_a = through * rates
        vstore(rows_b, r, to_b + vload(rows_b, r) if add else to_b)
        vstore(rows_a, r, to_a + vload(rows_a, r) if add else to_a)
    return dh, sum_a
