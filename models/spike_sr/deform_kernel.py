"""Deformable sampling of 16 x 16 patches as compiled loops, 16 channels at a time.

A patch lies in memory as (row, column, channel), its channels filled up with zeros to whole
vectors. For each pixel and each of 9 taps `place` holds a shift (row, column) and a weight. Beside
a patch there are zeros. Memory is addressed as in `rsviz.nn.scan_simd`: nothing checks bounds.
"""

import math

import numba

from rsviz.nn.scan_cache import kernel
from rsviz.nn.scan_shuffles import vsum
from rsviz.nn.scan_simd import LANES, pointer, splat, vload, vstore, vzero

SIDE, TAPS = 16, 9
PLACES = 3 * TAPS  # 18 shifts, then 9 weights


@numba.njit(inline="always")
def corner(row, col, width):
    """Where a pixel of the patch begins, or -1 beside the patch."""
    if row < 0 or row >= SIDE or col < 0 or col >= SIDE:
        return -1
    return (row * SIDE + col) * width


@kernel
def sample(patches, place, columns, width, first, end):
    """Patches [first, end) to weighted bilinear samples (pixel, tap, channel)."""
    kind = numba.float32(0)
    patches, place, columns = (
        pointer(kind, patches),
        pointer(kind, place),
        pointer(kind, columns),
    )
    for p in range(first, end):
        base = p * SIDE * SIDE * width
        for pixel in range(SIDE * SIDE):
            at = (p * SIDE * SIDE + pixel) * PLACES
            for tap in range(TAPS):
                y = pixel // SIDE + tap // 3 - 1 + place[at + 2 * tap]
                x = pixel % SIDE + tap % 3 - 1 + place[at + 2 * tap + 1]
                y, x = min(max(y, -2.0), SIDE + 1.0), min(max(x, -2.0), SIDE + 1.0)
                row, col = math.floor(y), math.floor(x)
                down, right = numba.float32(y - row), numba.float32(x - col)
                weight = place[at + 2 * TAPS + tap]
                out = ((p * SIDE * SIDE + pixel) * TAPS + tap) * width
                c00, c01 = corner(row, col, width), corner(row, col + 1, width)
                c10, c11 = corner(row + 1, col, width), corner(row + 1, col + 1, width)
                one = numba.float32(1)
                w00 = splat(weight * (one - down) * (one - right))
                w01 = splat(weight * (one - down) * right)
                w10 = splat(weight * down * (one - right))
                w11 = splat(weight * down * right)
                for lane in range(0, width, LANES):
                    total = vzero(patches)
                    if c00 >= 0:
                        total = total + w00 * vload(patches, base + c00 + lane)
                    if c01 >= 0:
                        total = total + w01 * vload(patches, base + c01 + lane)
                    if c10 >= 0:
                        total = total + w10 * vload(patches, base + c10 + lane)
                    if c11 >= 0:
                        total = total + w11 * vload(patches, base + c11 + lane)
                    vstore(columns, out + lane, total)


@kernel
def sample_back(patches, place, d_columns, d_patches, d_place, width, first, end):
    """Gradients of `sample`: `d_patches` is added to, `d_place` is written."""
    kind = numba.float32(0)
    patches, place = pointer(kind, patches), pointer(kind, place)
    d_columns, d_patches = pointer(kind, d_columns), pointer(kind, d_patches)
    d_place = pointer(kind, d_place)
    one = numba.float32(1)
    for p in range(first, end):
        base = p * SIDE * SIDE * width
        for pixel in range(SIDE * SIDE):
            at = (p * SIDE * SIDE + pixel) * PLACES
            for tap in range(TAPS):
                y = pixel // SIDE + tap // 3 - 1 + place[at + 2 * tap]
                x = pixel % SIDE + tap % 3 - 1 + place[at + 2 * tap + 1]
                y, x = min(max(y, -2.0), SIDE + 1.0), min(max(x, -2.0), SIDE + 1.0)
                row, col = math.floor(y), math.floor(x)
                down, right = numba.float32(y - row), numba.float32(x - col)
                weight = place[at + 2 * TAPS + tap]
                source = ((p * SIDE * SIDE + pixel) * TAPS + tap) * width
                gain = d_shift_y = d_shift_x = numba.float32(0)
                for i in range(4):
                    lower, further = i // 2, i % 2
                    here = corner(row + lower, col + further, width)
                    if here < 0:
                        continue
                    along_y = down if lower else one - down
                    along_x = right if further else one - right
                    share = splat(weight * along_y * along_x)
                    product = vzero(patches)
                    for lane in range(0, width, LANES):
                        d = vload(d_columns, source + lane)
                        spot = base + here + lane
                        product = product + d * vload(patches, spot)
                        vstore(d_patches, spot, vload(d_patches, spot) + share * d)
                    value = vsum(product)
                    gain += along_y * along_x * value
                    d_shift_y += (value if lower else -value) * along_x
                    d_shift_x += (value if further else -value) * along_y
                d_place[at + 2 * tap] = weight * d_shift_y
                d_place[at + 2 * tap + 1] = weight * d_shift_x
                d_place[at + 2 * TAPS + tap] = gain
