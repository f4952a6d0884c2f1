"""The selective scan as compiled loops whose vectors hold the states of a channel.

A *unit* of work is one (batch item, group, range of channels). It walks the sequence in chunks of
CHUNK steps; within a chunk it treats the channels in blocks of LANES, so that the B and C of the
chunk are read once. The forward keeps the states between chunks; the backward starts from the last
chunk, recomputes the states inside it, and so never holds an array of batch x channels x length x
states.

Tensors come as flat arrays with strides. Their steps or their channels lie side by side; either
way a block is brought into a *tile*, rows of steps for LANES channels. Sums over the states are
taken for LANES rows at once (``vsum_rows``).

With x = softplus(delta + bias), gy = dy silu(z), h_t = exp(x_t A) h_(t-1) + x_t u_t B_t and
y_t = <h_t, C_t> + D u_t, the gradients are, from the last step to the first,

    g = dh + gy C;  dC += gy h_t;  dB += g x u;  w = exp(x A) g;  dh = w
    du = x <g, B> + D gy;  dx = u <g, B> + <w h_(t-1), A>;  dA += w h_(t-1) x
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
    restore_denormals,
    vload,
    vsplat,
    vstore,
    vsum_rows,
    vzero,
    where_positive,
)
from rsviz.nn.scan_tiles import (
    add_rows, fill_rows, kernel, per_row, read_states, read_tile, row_width, scratch, write_states,
    write_tile,
)  # fmt: skip

CHUNK = 32  # steps between two kept states; a multiple of LANES
GROUP = 128  # channels whose states stay in the first-level cache together; a multiple of LANES


@kernel
def sigmoid(value):
    """1 / (1 + exp(-v)) lane by lane, without overflow."""
    small = exp2(magnitude(value) * fill(value, -LOG2E))
    one = fill(value, 1.0)
    return where_positive(value, one, small) / (one + small)


@kernel
def _soften(tile, biases, first, width, size, softplus):
    """Turns delta into step sizes in place: adds the bias, then log(1 + exp(.)) if asked."""
    for r in range(0, size, LANES):
        value = vload(tile, r) + per_row(biases, first, r, width)
        if softplus:
            small = exp2(magnitude(value) * fill(value, -LOG2E))
            value = where_positive(value, value, vzero(tile)) + log1p(small)
        vstore(tile, r, value)


@kernel
def forward(
    u, u_step, delta, delta_step, a, b, b_step, c, c_step, skip, bias, softplus, z, z_step,
    start, y, y_step, kept, last, shape, first_unit, last_unit,
):  # fmt: skip
    """Scans the units [first_unit, last_unit).

    Empty arrays stand for what is absent: z, start (zero), kept (no backward to come), last.

    Args:
        u, delta, z, y: (batch, channels, steps), with their strides.
        a: (channels, lanes), A times log2(e); ``lanes`` are the states filled up to whole vectors.
        b, c: (batch, group, state, step), with their strides.
        skip, bias: (channels,).
        start, last: (batch, channels, lanes).
        kept: (batch, chunk - 1, channels, lanes), the states between chunks.
        shape: batch, groups, channels, states, steps, ranges of channels in a group.
    """
    _, groups, channels, states, steps, ranges = shape
    lanes = (states + LANES - 1) // LANES * LANES
    per_group = channels // groups
    chunks = (steps + CHUNK - 1) // CHUNK
    former = flush_denormals()
    x_tile = scratch(u, CHUNK * LANES)
    u_tile = scratch(u, CHUNK * LANES)
    q_tile = scratch(u, CHUNK * LANES)
    y_tile = scratch(u, CHUNK * LANES)
    biases = scratch(u, GROUP * LANES)
    skips = scratch(u, GROUP * LANES)
    rows = scratch(u, CHUNK * LANES)
    h_tile = scratch(u, GROUP * lanes)
    b_tile = scratch(u, CHUNK * lanes)
    c_tile = scratch(u, CHUNK * lanes)
    short = 0
    filled = -1
    for unit in range(first_unit, last_unit):
        piece = unit % ranges
        g = unit // ranges % groups
        i = unit // (ranges * groups)
        first = g * per_group + per_group * piece // ranges
        end = g * per_group + per_group * (piece + 1) // ranges
        for d0 in range(first, end, GROUP):
            d1 = min(d0 + GROUP, end)
            held = (d1 - d0) * lanes
            state = (i * channels + d0) * lanes
            if start.size:
                h_tile[:held] = start[state : state + held]
            else:
                h_tile[:held] = 0
            for chunk in range(chunks):
                t0 = chunk * CHUNK
                m = min(CHUNK, steps - t0)
                width = row_width(m)
                if min(width, LANES) != short or d0 != filled:
                    short, filled = min(width, LANES), d0
                    fill_rows(biases, bias, d0, short, d1 - d0)
                    fill_rows(skips, skip, d0, short, d1 - d0)
                if kept.size and chunk:
                    at = ((i * (chunks - 1) + chunk - 1) * channels + d0) * lanes
                    kept[at : at + held] = h_tile[:held]
                at = i * b_step[0] + g * b_step[1] + t0 * b_step[3]
                read_states(b_tile, lanes, b, at, b_step[2], b_step[3], m, states)
                at = i * c_step[0] + g * c_step[1] + t0 * c_step[3]
                read_states(c_tile, lanes, c, at, c_step[2], c_step[3], m, states)
                for d in range(d0, d1, LANES):
                    nd = min(LANES, d1 - d)
                    size = nd * width
                    at = i * delta_step[0] + d * delta_step[1] + t0 * delta_step[2]
                    read_tile(x_tile, width, delta, at, delta_step[1], delta_step[2], m, nd)
                    at = i * u_step[0] + d * u_step[1] + t0 * u_step[2]
                    read_tile(u_tile, width, u, at, u_step[1], u_step[2], m, nd)
                    _soften(x_tile, biases, (d - d0) * short, width, size, softplus)
                    for r in range(0, size, LANES):
                        vstore(q_tile, r, vload(x_tile, r) * vload(u_tile, r))
                    done = 0
                    for j in range(nd):
                        for v in range(0, lanes, LANES):
                            rates = vload(a, (d + j) * lanes + v)
                            at = (d - d0 + j) * lanes + v
                            h = vload(h_tile, at)
                            for t in range(m):
                                r = j * width + t
                                decay = exp2(vsplat(x_tile, r) * rates)
                                h = decay * h + vsplat(q_tile, r) * vload(b_tile, t * lanes + v)
                                part = h * vload(c_tile, t * lanes + v)
                                p = (r - done) * LANES
                                vstore(rows, p, part + vload(rows, p) if v else part)
                            vstore(h_tile, at, h)
                        full = (j + 1) * width
                        if full % LANES == 0 or j == nd - 1:
                            for r in range(done, full, LANES):
                                vstore(y_tile, r, vsum_rows(rows, (r - done) * LANES))
                            done = full
                    for r in range(0, size, LANES):
                        direct = vload(u_tile, r) * per_row(skips, (d - d0) * short, r, width)
                        vstore(y_tile, r, vload(y_tile, r) + direct)
                    if z.size:
                        at = i * z_step[0] + d * z_step[1] + t0 * z_step[2]
                        read_tile(u_tile, width, z, at, z_step[1], z_step[2], m, nd)
                        for r in range(0, size, LANES):
                            gate = vload(u_tile, r)
                            vstore(y_tile, r, vload(y_tile, r) * gate * sigmoid(gate))
                    at = i * y_step[0] + d * y_step[1] + t0 * y_step[2]
                    write_tile(y_tile, width, y, at, y_step[1], y_step[2], m, nd)
            if last.size:
                last[state : state + held] = h_tile[:held]
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
        du, ddelta, dz: like u, with their common strides; written.
        db, dc: (range, batch, group, state, step) with their common strides; written.
        da, dskip, dbias: like a, skip, bias; added to, hence one set for each thread.
        dstart: like start, or empty; written.
    """
    _, groups, channels, states, steps, ranges = shape
    lanes = (states + LANES - 1) // LANES * LANES
    per_group = channels // groups
    chunks = (steps + CHUNK - 1) // CHUNK
    former = flush_denormals()
    x_tile = scratch(u, CHUNK * LANES)
    u_tile = scratch(u, CHUNK * LANES)
    q_tile = scratch(u, CHUNK * LANES)
    g_tile = scratch(u, CHUNK * LANES)
    z_tile = scratch(u, CHUNK * LANES)
    slopes = scratch(u, CHUNK * LANES)
    along_a = scratch(u, CHUNK * LANES)
    along_b = scratch(u, CHUNK * LANES)
    y_tile = scratch(u, CHUNK * LANES)
    biases = scratch(u, GROUP * LANES)
    skips = scratch(u, GROUP * LANES)
    rows_a = scratch(u, CHUNK * LANES)
    rows_b = scratch(u, CHUNK * LANES)
    rows_c = scratch(u, CHUNK * LANES)
    decays = scratch(u, CHUNK * LANES)
    h_tile = scratch(u, (CHUNK + 1) * LANES)
    dh_tile = scratch(u, GROUP * lanes)
    b_tile = scratch(u, CHUNK * lanes)
    c_tile = scratch(u, CHUNK * lanes)
    db_tile = scratch(u, CHUNK * lanes)
    dc_tile = scratch(u, CHUNK * lanes)
    short = 0
    filled = -1
    for unit in range(first_unit, last_unit):
        piece = unit % ranges
        g = unit // ranges % groups
        i = unit // (ranges * groups)
        first = g * per_group + per_group * piece // ranges
        end = g * per_group + per_group * (piece + 1) // ranges
        for d0 in range(first, end, GROUP):
            d1 = min(d0 + GROUP, end)
            held = (d1 - d0) * lanes
            state = (i * channels + d0) * lanes
            if dlast.size:
                dh_tile[:held] = dlast[state : state + held]
            else:
                dh_tile[:held] = 0
            for chunk in range(chunks - 1, -1, -1):
                t0 = chunk * CHUNK
                m = min(CHUNK, steps - t0)
                width = row_width(m)
                if min(width, LANES) != short or d0 != filled:
                    short, filled = min(width, LANES), d0
                    fill_rows(biases, bias, d0, short, d1 - d0)
                    fill_rows(skips, skip, d0, short, d1 - d0)
                at = i * b_step[0] + g * b_step[1] + t0 * b_step[3]
                read_states(b_tile, lanes, b, at, b_step[2], b_step[3], m, states)
                at = i * c_step[0] + g * c_step[1] + t0 * c_step[3]
                read_states(c_tile, lanes, c, at, c_step[2], c_step[3], m, states)
                db_tile[: m * lanes] = 0
                dc_tile[: m * lanes] = 0
                for d in range(d0, d1, LANES):
                    nd = min(LANES, d1 - d)
                    size = nd * width
                    at = i * delta_step[0] + d * delta_step[1] + t0 * delta_step[2]
                    read_tile(x_tile, width, delta, at, delta_step[1], delta_step[2], m, nd)
                    at = i * u_step[0] + d * u_step[1] + t0 * u_step[2]
                    read_tile(u_tile, width, u, at, u_step[1], u_step[2], m, nd)
                    at = i * dy_step[0] + d * dy_step[1] + t0 * dy_step[2]
                    read_tile(g_tile, width, dy, at, dy_step[1], dy_step[2], m, nd)
                    if z.size:
                        at = i * z_step[0] + d * z_step[1] + t0 * z_step[2]
                        read_tile(z_tile, width, z, at, z_step[1], z_step[2], m, nd)
                        _open_gate(z_tile, g_tile, size)
                    if softplus:
                        _slopes(slopes, x_tile, biases, (d - d0) * short, width, size)
                    _soften(x_tile, biases, (d - d0) * short, width, size, softplus)
                    for r in range(0, size, LANES):
                        vstore(q_tile, r, vload(x_tile, r) * vload(u_tile, r))
                    done = 0
                    for j in range(nd):
                        for v in range(0, lanes, LANES):
                            number = (d + j) * lanes + v
                            rates = vload(a, number)
                            if chunk:
                                at = (i * (chunks - 1) + chunk - 1) * channels * lanes + number
                                h = vload(kept, at)
                            elif start.size:
                                h = vload(start, i * channels * lanes + number)
                            else:
                                h = vzero(u)
                            vstore(h_tile, 0, h)
                            for t in range(m):
                                r = j * width + t
                                decay = exp2(vsplat(x_tile, r) * rates)
                                vstore(decays, t * LANES, decay)
                                h = decay * h + vsplat(q_tile, r) * vload(b_tile, t * lanes + v)
                                vstore(h_tile, (t + 1) * LANES, h)
                            if z.size:
                                for t in range(m):
                                    p = (j * width + t - done) * LANES
                                    part = vload(h_tile, (t + 1) * LANES) * vload(
                                        c_tile, t * lanes + v
                                    )
                                    vstore(rows_c, p, part + vload(rows_c, p) if v else part)
                            at = (d - d0 + j) * lanes + v
                            dh = vload(dh_tile, at)
                            sum_a = vzero(u)
                            for t in range(m - 1, -1, -1):
                                r = j * width + t
                                s = t * lanes + v
                                p = (r - done) * LANES
                                gy = vsplat(g_tile, r)
                                grad = gy * vload(c_tile, s) + dh
                                after = vload(h_tile, (t + 1) * LANES)
                                vstore(dc_tile, s, vload(dc_tile, s) + gy * after)
                                vstore(db_tile, s, vload(db_tile, s) + grad * vsplat(q_tile, r))
                                to_b = grad * vload(b_tile, s)
                                dh = vload(decays, t * LANES) * grad
                                through = dh * vload(h_tile, t * LANES)
                                sum_a = sum_a + through * vsplat(x_tile, r)
                                to_a = through * rates
                                vstore(rows_b, p, to_b + vload(rows_b, p) if v else to_b)
                                vstore(rows_a, p, to_a + vload(rows_a, p) if v else to_a)
                            vstore(dh_tile, at, dh)
                            vstore(da, number, vload(da, number) + sum_a)
                        full = (j + 1) * width
                        if full % LANES == 0 or j == nd - 1:
                            for r in range(done, full, LANES):
                                p = (r - done) * LANES
                                vstore(along_a, r, vsum_rows(rows_a, p))
                                vstore(along_b, r, vsum_rows(rows_b, p))
                                if z.size:
                                    vstore(y_tile, r, vsum_rows(rows_c, p))
                            done = full
                    at = i * d_step[0] + d * d_step[1] + t0 * d_step[2]
                    if z.size:
                        for r in range(0, size, LANES):
                            direct = vload(u_tile, r) * per_row(skips, (d - d0) * short, r, width)
                            vstore(z_tile, r, vload(z_tile, r) * (vload(y_tile, r) + direct))
                        write_tile(z_tile, width, dz, at, d_step[1], d_step[2], m, nd)
                    for r in range(0, size, LANES):
                        value = vload(u_tile, r)
                        gy = vload(g_tile, r)
                        to_x = value * vload(along_b, r) + vload(along_a, r) * fill(gy, LN2)
                        vstore(along_a, r, to_x * vload(slopes, r) if softplus else to_x)
                        direct = gy * per_row(skips, (d - d0) * short, r, width)
                        vstore(along_b, r, vload(along_b, r) * vload(x_tile, r) + direct)
                        vstore(u_tile, r, gy * value)
                    write_tile(along_a, width, ddelta, at, d_step[1], d_step[2], m, nd)
                    write_tile(along_b, width, du, at, d_step[1], d_step[2], m, nd)
                    add_rows(dbias, d, along_a, width, m, nd)
                    add_rows(dskip, d, u_tile, width, m, nd)
                again = d0 != first
                at = piece * dbc_step[0] + i * dbc_step[1] + g * dbc_step[2] + t0 * dbc_step[4]
                write_states(db_tile, lanes, db, at, dbc_step[3], dbc_step[4], m, states, again)
                write_states(dc_tile, lanes, dc, at, dbc_step[3], dbc_step[4], m, states, again)
            if dstart.size:
                dstart[state : state + held] = dh_tile[:held]
    restore_denormals(former)


@kernel
def _slopes(slopes, tile, biases, first, width, size):
    """The derivative of the softplus in ``_soften``."""
    for r in range(0, size, LANES):
        vstore(slopes, r, sigmoid(vload(tile, r) + per_row(biases, first, r, width)))


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
