"""The backward pass of `token_kernel.forward`, which recomputes everything but the thresholds."""

from models.sformer.token_kernel import (
    DEPTH,
    DIM,
    GROUPS,
    HEADS,
    PLACES,
    PLANE,
    PLANES,
    QKV,
    QUERIES,
    SIDE,
    TOKENS,
    WIDTH,
    normalise,
    project,
    read_queries,
    score,
)
from rsviz.nn.scan_cache import kernel
from rsviz.nn.scan_shuffles import vsum_rows
from rsviz.nn.scan_simd import (
    LANES,
    LOG2E,
    exp2,
    fill,
    pointer,
    shift,
    vload,
    vsplat,
    vstore,
    vzero,
    where_positive,
)

SUMS = LANES * (PLANES * (9 + GROUPS) + HEADS)  # accumulators of the parameters' gradients
WORK = 4 * QKV + 2 * DEPTH * QUERIES + 2 * DIM * QUERIES + 2 * DEPTH
WORK += 2 * TOKENS * LANES + 2 * TOKENS * DIM * (LANES + 1)  # scratch numbers a thread needs


@kernel
def _add(numbers, index, value):
    """Adds a vector to numbers from an index on."""
    vstore(numbers, index, vload(numbers, index) + value)


@kernel
def _to_rows(values, head, rows):
    """One head of (position, group x channel) as (channel of the head, query); 0 beyond."""
    for d in range(DIM):
        for p in range(PLACES):
            for g in range(GROUPS):
                at = p * WIDTH + g * DEPTH + head * DIM + d
                rows[d * QUERIES + p * GROUPS + g] = values[at]
        for n in range(TOKENS, QUERIES):
            rows[d * QUERIES + n] = 0.0


@kernel
def backward(x, y, dy, dx, mix, taps, tau, thresholds, sums, work, first, end):
    """Gradients for the patches [first, end).

    Args:
        x, y, dy, dx: addresses of (patches, 25, 128): in, out and their gradients.
        mix, taps, tau, thresholds: as in `forward`, which has filled in the thresholds.
        sums: address of SUMS numbers, the thread's own, added to: gradients of taps (12, 9),
            mix (12, 4) and tau (8), spread over LANES numbers each.
        work: WORK numbers, the thread's own.
    """
    kind = work[0]
    mixed = pointer(kind, work.ctypes.data)
    qkv = shift(mixed, QKV)
    dmixed = shift(qkv, QKV)
    dqkv = shift(dmixed, QKV)
    rows = shift(dqkv, QKV)
    drows = shift(rows, DEPTH * QUERIES)
    outs = shift(drows, DEPTH * QUERIES)
    douts = shift(outs, DIM * QUERIES)
    norms = shift(douts, DIM * QUERIES)
    scores = shift(norms, 2 * DEPTH)
    powers = shift(scores, TOKENS * LANES)
    heaps = shift(powers, TOKENS * LANES)
    gathered = shift(heaps, 2 * TOKENS * DIM * LANES)
    mix, taps, tau = pointer(kind, mix), pointer(kind, taps), pointer(kind, tau)
    dtaps = pointer(kind, sums)
    dmix = shift(dtaps, PLANES * 9 * LANES)
    dtau = shift(dmix, PLANES * GROUPS * LANES)
    for n in range(first, end):
        patch = n * PLACES * WIDTH
        source = shift(pointer(kind, x), patch)
        project(source, mix, taps, mixed, qkv)
        normalise(qkv, norms)
        read_queries(qkv, tau, rows)
        for head in range(HEADS):
            _to_rows(shift(pointer(kind, y), patch), head, outs)
            _to_rows(shift(pointer(kind, dy), patch), head, douts)
            for r in range(0, 2 * TOKENS * DIM * LANES, LANES):
                vstore(heaps, r, vzero(heaps))
            for block in range(QUERIES // LANES):
                _, high = score(rows, qkv, head, block, scores)
                at = (n * HEADS + head) * QUERIES + block * LANES
                bound = vload(pointer(kind, thresholds), at)
                steps = _attend_back(
                    qkv, rows, drows, outs, douts, head, block, scores, powers, heaps, bound, high
                )
                _add(dtau, head * LANES, steps / fill(steps, tau[head] * LOG2E))
            for r in range(0, 2 * TOKENS * DIM, LANES):
                vstore(gathered, r, vsum_rows(heaps, r * LANES))
            for p in range(PLACES):
                for g in range(GROUPS):
                    token = p * GROUPS + g
                    for d in range(DIM):
                        c = head * DIM + d
                        at = g * PLANE + p * DEPTH + c
                        dqkv[at] = drows[c * QUERIES + token] * tau[head]
                        dqkv[GROUPS * PLANE + at] = gathered[2 * token * DIM + d] / LOG2E
                        dqkv[2 * GROUPS * PLANE + at] = gathered[(2 * token + 1) * DIM + d]
        _normalise_back(qkv, norms, dqkv)
        _project_back(
            source, mix, taps, mixed, dqkv, dmixed, dtaps, dmix, shift(pointer(kind, dx), patch)
        )


@kernel
def _attend_back(qkv, rows, drows, outs, douts, head, block, scores, powers, heaps, bound, high):
    """One head, 16 queries: adds to the gradients of k and v in `heaps`, writes that of q.

    Returns the sum over keys of (gradient of a score) x (score in units of log 2), a query.
    """
    none = fill(high, 0.0)
    total = none
    for j in range(0, TOKENS * LANES, LANES):
        s = vload(scores, j)
        e = where_positive(s - bound, exp2(s - high), none)
        total = total + e
        vstore(powers, j, e)
    scale = fill(high, 1.0) / total
    at, own = block * LANES, head * DIM * QUERIES + block * LANES
    q0, q1 = vload(rows, own), vload(rows, own + QUERIES)
    q2, q3 = vload(rows, own + 2 * QUERIES), vload(rows, own + 3 * QUERIES)
    dy0, dy1 = vload(douts, at), vload(douts, at + QUERIES)
    dy2, dy3 = vload(douts, at + 2 * QUERIES), vload(douts, at + 3 * QUERIES)
    mean = dy0 * vload(outs, at) + dy1 * vload(outs, at + QUERIES)
    mean = mean + dy2 * vload(outs, at + 2 * QUERIES) + dy3 * vload(outs, at + 3 * QUERIES)
    dq0, dq1, dq2, dq3, steps = none, none, none, none, none
    for p in range(PLACES):
        for g in range(GROUPS):
            j = p * GROUPS + g
            k = (GROUPS + g) * PLANE + p * DEPTH + head * DIM
            v = k + GROUPS * PLANE
            share = vload(powers, j * LANES) * scale
            dp = dy0 * vsplat(qkv, v) + dy1 * vsplat(qkv, v + 1)
            dp = dp + dy2 * vsplat(qkv, v + 2) + dy3 * vsplat(qkv, v + 3)
            ds = share * (dp - mean)
            steps = steps + ds * vload(scores, j * LANES)
            dq0, dq1 = dq0 + ds * vsplat(qkv, k), dq1 + ds * vsplat(qkv, k + 1)
            dq2, dq3 = dq2 + ds * vsplat(qkv, k + 2), dq3 + ds * vsplat(qkv, k + 3)
            heap = shift(heaps, 2 * j * DIM * LANES)
            _add(heap, 0, ds * q0)
            _add(heap, LANES, ds * q1)
            _add(heap, 2 * LANES, ds * q2)
            _add(heap, 3 * LANES, ds * q3)
            _add(heap, 4 * LANES, share * dy0)
            _add(heap, 5 * LANES, share * dy1)
            _add(heap, 6 * LANES, share * dy2)
            _add(heap, 7 * LANES, share * dy3)
    vstore(drows, own, dq0)
    vstore(drows, own + QUERIES, dq1)
    vstore(drows, own + 2 * QUERIES, dq2)
    vstore(drows, own + 3 * QUERIES, dq3)
    return steps


@kernel
def _normalise_back(qkv, norms, dqkv):
    """From gradients of unit vectors u to those of the vectors: (du - u (u . du)) / length."""
    for part in range(2):
        unit, grad = shift(qkv, part * GROUPS * PLANE), shift(dqkv, part * GROUPS * PLANE)
        for half in range(0, DEPTH, LANES):
            along = vzero(qkv)
            for t in range(half, TOKENS * DEPTH, DEPTH):
                along = along + vload(unit, t) * vload(grad, t)
            scale = vload(norms, part * DEPTH + half)
            for t in range(half, TOKENS * DEPTH, DEPTH):
                vstore(grad, t, (vload(grad, t) - vload(unit, t) * along) * scale)


@kernel
def _project_back(x, mix, taps, mixed, dqkv, dmixed, dtaps, dmix, dx):
    """Gradients of the two convolutions of `_project`."""
    for o in range(PLANES):
        for row in range(SIDE):
            for col in range(SIDE):
                for half in range(0, DEPTH, LANES):
                    total = vzero(mixed)
                    at = o * PLANE + (row * SIDE + col) * DEPTH + half
                    value = vload(mixed, at)
                    for r in range(max(0, row - 1), min(SIDE, row + 2)):
                        for c in range(max(0, col - 1), min(SIDE, col + 2)):
                            t = o * 9 + (row - r + 1) * 3 + col - c + 1
                            up = vload(dqkv, o * PLANE + (r * SIDE + c) * DEPTH + half)
                            total = total + vsplat(taps, t) * up
                            _add(dtaps, t * LANES, up * value)
                    vstore(dmixed, at, total)
    for p in range(PLACES):
        for half in range(0, DEPTH, LANES):
            for g in range(GROUPS):
                at = p * WIDTH + g * DEPTH + half
                value, total = vload(x, at), vzero(x)
                for o in range(PLANES):
                    m = o * GROUPS + g
                    up = vload(dmixed, o * PLANE + p * DEPTH + half)
                    total = total + vsplat(mix, m) * up
                    _add(dmix, m * LANES, up * value)
                vstore(dx, at, total)
