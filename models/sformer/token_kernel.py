"""Token-selective attention on a CPU as compiled loops: no 100 x 100 array ever leaves the cache.

One patch has 25 positions of 128 channels = 4 groups x 32; 32 = 8 heads x 4. A vector holds 16 of
the 32 channels in the convolutions, and 16 queries in the attention. The k-th greatest score of a
query is found by bisection for 16 queries at once. Memory is addressed as in `rsviz.nn.scan_simd`:
nothing checks bounds.
"""

from rsviz.nn.scan_cache import kernel
from rsviz.nn.scan_shuffles import vsum
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

SIDE, PLACES, GROUPS, DEPTH, HEADS, DIM = 5, 25, 4, 32, 8, 4
WIDTH = GROUPS * DEPTH
TOKENS = PLACES * GROUPS
QUERIES = 112  # tokens, filled up to whole vectors
PLANES = 3 * GROUPS  # q, k and v of each group
PLANE = PLACES * DEPTH
BISECTIONS = 30
QKV = PLANES * PLANE
WORK = 2 * QKV + DEPTH * QUERIES + 2 * DEPTH + DIM * QUERIES + TOKENS * LANES  # scratch numbers


@kernel
def project(x, mix, taps, mixed, qkv):
    """Eq. of q, k, v: a 4 -> 12 mix of groups, then a 3 x 3 convolution of each plane."""
    for p in range(PLACES):
        for half in range(0, DEPTH, LANES):
            at = p * WIDTH + half
            x0, x1 = vload(x, at), vload(x, at + DEPTH)
            x2, x3 = vload(x, at + 2 * DEPTH), vload(x, at + 3 * DEPTH)
            for o in range(PLANES):
                m = o * GROUPS
                total = vsplat(mix, m) * x0 + vsplat(mix, m + 1) * x1
                total = total + vsplat(mix, m + 2) * x2 + vsplat(mix, m + 3) * x3
                vstore(mixed, o * PLANE + p * DEPTH + half, total)
    for o in range(PLANES):
        for row in range(SIDE):
            for col in range(SIDE):
                for half in range(0, DEPTH, LANES):
                    total = vzero(mixed)
                    for r in range(max(0, row - 1), min(SIDE, row + 2)):
                        for c in range(max(0, col - 1), min(SIDE, col + 2)):
                            tap = vsplat(taps, o * 9 + (r - row + 1) * 3 + c - col + 1)
                            at = o * PLANE + (r * SIDE + c) * DEPTH + half
                            total = total + tap * vload(mixed, at)
                    vstore(qkv, o * PLANE + (row * SIDE + col) * DEPTH + half, total)


@kernel
def normalise(qkv, norms):
    """Divides q and k by their length along the tokens; leaves 1 / length in `norms`."""
    for part in range(2):
        planes = shift(qkv, part * GROUPS * PLANE)
        for half in range(0, DEPTH, LANES):
            total = vzero(qkv)
            for t in range(TOKENS):
                value = vload(planes, t * DEPTH + half)
                total = total + value * value
            vstore(norms, part * DEPTH + half, total)
        for c in range(DEPTH):
            norms[part * DEPTH + c] = 1.0 / max(norms[part * DEPTH + c] ** 0.5, 1e-12)
        for half in range(0, DEPTH, LANES):
            scale = vload(norms, part * DEPTH + half)
            for t in range(TOKENS):
                vstore(planes, t * DEPTH + half, scale * vload(planes, t * DEPTH + half))


@kernel
def read_queries(qkv, tau, rows):
    """q times temperature and log2(e) as (channel, query): vectors of queries."""
    for c in range(DEPTH):
        scale = tau[c // DIM] * LOG2E
        for p in range(PLACES):
            for g in range(GROUPS):
                rows[c * QUERIES + p * GROUPS + g] = qkv[g * PLANE + p * DEPTH + c] * scale
        for n in range(TOKENS, QUERIES):
            rows[c * QUERIES + n] = rows[c * QUERIES + n - LANES]


@kernel
def score(rows, qkv, head, block, scores):
    """Scores (key, 16 queries) in units of log 2; returns the least and the greatest."""
    at = head * DIM * QUERIES + block * LANES
    q0, q1 = vload(rows, at), vload(rows, at + QUERIES)
    q2, q3 = vload(rows, at + 2 * QUERIES), vload(rows, at + 3 * QUERIES)
    low, high = fill(q0, 1e30), fill(q0, -1e30)
    for p in range(PLACES):
        for g in range(GROUPS):
            k = (GROUPS + g) * PLANE + p * DEPTH + head * DIM
            s = q0 * vsplat(qkv, k) + q1 * vsplat(qkv, k + 1)
            s = s + q2 * vsplat(qkv, k + 2) + q3 * vsplat(qkv, k + 3)
            vstore(scores, (p * GROUPS + g) * LANES, s)
            low = where_positive(low - s, s, low)
            high = where_positive(s - high, s, high)
    return low, high


@kernel
def _threshold(scores, keep, low, high):
    """A number that `keep` of the scores of each query exceed (more where they are equal)."""
    low = low - (high - low) * fill(low, 0.01) - fill(low, 1e-4)
    if keep >= TOKENS:
        return low
    one, none, half = fill(low, 1.0), fill(low, 0.0), fill(low, 0.5)
    wanted = fill(low, keep)
    for _ in range(BISECTIONS):
        middle = (low + high) * half
        a, b, c, d = none, none, none, none
        for j in range(0, TOKENS * LANES, 4 * LANES):
            a = a + where_positive(vload(scores, j) - middle, one, none)
            b = b + where_positive(vload(scores, j + LANES) - middle, one, none)
            c = c + where_positive(vload(scores, j + 2 * LANES) - middle, one, none)
            d = d + where_positive(vload(scores, j + 3 * LANES) - middle, one, none)
        more = (a + b) + (c + d) - wanted
        low = where_positive(more + half, middle, low)
        high = where_positive(half - more, middle, high)
        if vsum(more * more) == 0:
            break
    return low


@kernel
def forward(x, y, mix, taps, tau, keep, thresholds, work, first, end):
    """Attention of the patches [first, end).

    Args:
        x, y: addresses of (patches, 25, 128), in and out.
        mix, taps, tau: addresses of (12, 4), (12, 9), (8,).
        keep: how many of the 100 keys each query keeps.
        thresholds: address of (patches, 8, 112) to keep for the backward pass, or 0.
        work: WORK numbers, the thread's own.
    """
    kind = work[0]
    mixed = pointer(kind, work.ctypes.data)
    qkv = shift(mixed, QKV)
    rows = shift(qkv, QKV)
    norms = shift(rows, DEPTH * QUERIES)
    outs = shift(norms, 2 * DEPTH)
    scores = shift(outs, DIM * QUERIES)
    mix, taps, tau = pointer(kind, mix), pointer(kind, taps), pointer(kind, tau)
    for n in range(first, end):
        out = shift(pointer(kind, y), n * PLACES * WIDTH)
        project(shift(pointer(kind, x), n * PLACES * WIDTH), mix, taps, mixed, qkv)
        normalise(qkv, norms)
        read_queries(qkv, tau, rows)
        for head in range(HEADS):
            for block in range(QUERIES // LANES):
                low, high = score(rows, qkv, head, block, scores)
                bound = _threshold(scores, keep, low, high)
                if thresholds:
                    at = (n * HEADS + head) * QUERIES + block * LANES
                    vstore(pointer(kind, thresholds), at, bound)
                total, y0, y1 = fill(low, 0.0), fill(low, 0.0), fill(low, 0.0)
                y2, y3 = y0, y1
                for p in range(PLACES):
                    for g in range(GROUPS):
                        s = vload(scores, (p * GROUPS + g) * LANES)
                        e = where_positive(s - bound, exp2(s - high), fill(s, 0.0))
                        v = (2 * GROUPS + g) * PLANE + p * DEPTH + head * DIM
                        total = total + e
                        y0, y1 = y0 + e * vsplat(qkv, v), y1 + e * vsplat(qkv, v + 1)
                        y2, y3 = y2 + e * vsplat(qkv, v + 2), y3 + e * vsplat(qkv, v + 3)
                at = block * LANES
                vstore(outs, at, y0 / total)
                vstore(outs, at + QUERIES, y1 / total)
                vstore(outs, at + 2 * QUERIES, y2 / total)
                vstore(outs, at + 3 * QUERIES, y3 / total)
            for p in range(PLACES):
                for g in range(GROUPS):
                    for d in range(DIM):
                        at = p * WIDTH + g * DEPTH + head * DIM + d
                        out[at] = outs[d * QUERIES + p * GROUPS + g]
