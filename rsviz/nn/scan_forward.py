"""The selective scan forward, as compiled loops whose vectors hold the states of a channel.

A *unit* of work is one (batch item, group, range of channels). It walks the sequence in chunks of
CHUNK steps; within a chunk it treats the channels in blocks of LANES, so that the B and C of the
chunk are read once. The states between chunks are kept for the backward, which recomputes those
inside a chunk: no array of batch x channels x length x states ever exists. Sums over the states
are taken for LANES rows at once (``vsum_rows``).

Tensors are tuples (address, strides), see ``scan_tiles``; an address of 0 means that there is none.
"""

from rsviz.nn.scan_cache import kernel
from rsviz.nn.scan_shuffles import vsum, vsum_rows
from rsviz.nn.scan_simd import (
    LANES,
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
    vzero,
    where_positive,
)
from rsviz.nn.scan_tiles import (
    CHUNK,
    TILE,
    clear,
    copy,
    fill_rows,
    multiply,
    per_row,
    read_rows,
    read_tile,
    row_width,
    write_tile,
)

GROUP = 128  # channels whose states stay in the first-level cache together; a multiple of LANES


def scratch_size(lanes: int) -> int:
    """How many numbers of scratch memory a thread needs, for so many lanes of states."""
    return 14 * TILE + 4 * CHUNK * lanes + GROUP * (2 * lanes + 2 * LANES) + lanes + LANES


@kernel
def sigmoid(value):
    """1 / (1 + exp(-v)) lane by lane, without overflow."""
    small = exp2(magnitude(value) * fill(value, -LOG2E))
    one = fill(value, 1.0)
    return where_positive(value, one, small) / (one + small)


@kernel
def soften(tile, biases, channel, width, size, softplus):
    """Turns delta into step sizes in place: adds the bias, then log(1 + exp(.)) if asked."""
    for r in range(0, size, LANES):
        value = vload(tile, r) + per_row(biases, channel, r, width)
        if softplus:
            small = exp2(magnitude(value) * fill(value, -LOG2E))
            value = where_positive(value, value, vzero(tile)) + log1p(small)
        vstore(tile, r, value)


@kernel
def channels_of(unit, shape):
    """The batch item, the group, and the range of channels of a unit of work."""
    groups, channels, ranges = shape[1], shape[2], shape[5]
    piece = unit % ranges
    g = unit // ranges % groups
    per_group = channels // groups
    first = g * per_group + per_group * piece // ranges
    end = g * per_group + per_group * (piece + 1) // ranges
    return unit // (ranges * groups), g, first, end


@kernel
def read_states(tile, lanes, tensor, i, g, t0, steps, states):
    """Reads a chunk of B or C."""
    offset = i * tensor[1] + g * tensor[2] + t0 * tensor[4]
    source = shift(pointer(tile[0], tensor[0]), offset)
    read_rows(tile, lanes, source, tensor[3], tensor[4], steps, states)


@kernel
def forward(  # noqa: PLR0912, PLR0915 - one nest of loops
    u, delta, a, b, c, skip, bias, softplus, z, start, y, kept, last, trace, shape, work,
    first, end,
):  # fmt: skip
    """Scans the units [first, end).

    Args:
        u, delta, z, y: (batch, channels, steps).
        a: address of (channels, lanes), A times log2(e); ``lanes`` are the states filled up to
            whole vectors.
        b, c: (batch, group, state, step).
        skip, bias: addresses of (channels,).
        start, last: addresses of (batch, channels, lanes).
        kept: address of (batch, chunk - 1, channels, lanes), the states between chunks.
        trace: address of (range, batch, group, step, 4), added to: sums over channels of the
            step size and its square, and over states, too, of the squared state and the memory.
        shape: batch, groups, channels, states, steps, ranges of channels in a group.
        work: scratch memory, the thread's own; its kind of number is that of all.
    """
    batch, groups, channels, states, steps, ranges = shape
    lanes = (states + LANES - 1) // LANES * LANES
    chunks = (steps + CHUNK - 1) // CHUNK
    kind = work[0]
    x_tile = pointer(kind, work.ctypes.data)
    u_tile = shift(x_tile, TILE)
    q_tile = shift(x_tile, 2 * TILE)
    y_tile = shift(x_tile, 3 * TILE)
    rows = shift(x_tile, 4 * TILE)
    decays = shift(x_tile, 5 * TILE)
    h_rows = shift(x_tile, 6 * TILE)
    norms = shift(x_tile, 7 * TILE)
    memories = shift(x_tile, 8 * TILE)
    b_tile = shift(x_tile, 9 * TILE)
    c_tile = shift(b_tile, CHUNK * lanes)
    h_tile = shift(c_tile, CHUNK * lanes)
    biases = shift(h_tile, GROUP * lanes)
    skips = shift(biases, GROUP * LANES)
    lengths = shift(skips, GROUP * LANES)
    real = shift(lengths, GROUP * lanes)
    for n in range(lanes):
        real[n] = 1 if n < states else 0
    rates = pointer(kind, a)
    filled = (0, 0)
    former = flush_denormals()
    for unit in range(first, end):
        i, g, first_channel, end_channel = channels_of(unit, shape)
        for d0 in range(first_channel, end_channel, GROUP):
            d1 = min(d0 + GROUP, end_channel)
            held = (d1 - d0) * lanes
            state = (i * channels + d0) * lanes
            if start:
                copy(h_tile, shift(pointer(kind, start), state), held)
            else:
                clear(h_tile, held)
            if trace:
                clear(lengths, held)
            for chunk in range(chunks):
                t0 = chunk * CHUNK
                m = min(CHUNK, steps - t0)
                width = row_width(m)
                if (width, d0) != filled:
                    filled = (width, d0)
                    fill_rows(biases, pointer(kind, bias), d0, width, d1 - d0)
                    fill_rows(skips, pointer(kind, skip), d0, width, d1 - d0)
                if kept and chunk:
                    at = ((i * (chunks - 1) + chunk - 1) * channels + d0) * lanes
                    copy(shift(pointer(kind, kept), at), h_tile, held)
                read_states(b_tile, lanes, b, i, g, t0, m, states)
                read_states(c_tile, lanes, c, i, g, t0, m, states)
                seen = pointer(kind, trace)
                if trace:
                    clear(norms, m * LANES)
                    clear(memories, m * LANES)
                    at = ((unit % ranges * batch + i) * groups + g) * steps + t0
                    seen = shift(seen, 4 * at)
                for d in range(d0, d1, LANES):
                    nd = min(LANES, d1 - d)
                    size = nd * width
                    read_tile(x_tile, width, delta, i, d, t0, m, nd)
                    read_tile(u_tile, width, u, i, d, t0, m, nd)
                    soften(x_tile, biases, d - d0, width, size, softplus)
                    multiply(q_tile, x_tile, u_tile, size)
                    done = 0
                    for j in range(nd):
                        at = j * width
                        for v in range(0, lanes, LANES):
                            n = (d - d0 + j) * lanes + v
                            h, rate = vload(h_tile, n), vload(rates, d0 * lanes + n)
                            x, q, b_rows = shift(x_tile, at), shift(q_tile, at), shift(b_tile, v)
                            if trace:
                                replay(h, rate, x, q, b_rows, lanes, m, decays, h_rows)
                                length = vload(lengths, n)
                                length = _observe(
                                    decays, h_rows, length, vload(real, v), m, norms, memories
                                )
                                vstore(lengths, n, length)
                            row = shift(rows, (at - done) * LANES)
                            c_rows = shift(c_tile, v)
                            h = _run(h, rate, x, q, b_rows, c_rows, lanes, m, row, v > 0)
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
                    if trace:
                        _note_steps(seen, x_tile, width, m, nd)
                for t in range(m if trace else 0):
                    seen[4 * t + 2] += vsum(vload(norms, t * LANES))
                    seen[4 * t + 3] += vsum(vload(memories, t * LANES))
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
def replay(h, rates, x, q, b, lanes, steps, decays, h_rows):
    """Runs one channel through a chunk again and keeps its decays and states."""
    vstore(h_rows, 0, h)
    for t in range(steps):
        decay = exp2(vsplat(x, t) * rates)
        h = decay * h + vsplat(q, t) * vload(b, t * lanes)
        vstore(decays, t * LANES, decay)
        vstore(h_rows, (t + 1) * LANES, h)


@kernel
def _observe(decays, h_rows, length, real, steps, norms, memories):
    """Adds up squared states and memory lengths, l_t = 1 + exp(x_t A) l_(t-1); returns the last."""
    for t in range(steps):
        r = t * LANES
        h = vload(h_rows, r + LANES)
        length = vload(decays, r) * length + real
        vstore(norms, r, vload(norms, r) + h * h)
        vstore(memories, r, vload(memories, r) + length)
    return length


@kernel
def _note_steps(seen, x_tile, width, steps, channels):
    """Adds up step sizes and their squares."""
    for j in range(channels):
        for t in range(steps):
            x = x_tile[j * width + t]
            seen[4 * t] += x
            seen[4 * t + 1] += x * x
