"""How many exponentials a second the kernels' own function can give: for benchmarks."""

from rsviz.nn.scan_cache import kernel
from rsviz.nn.scan_simd import LANES, exp2, fill, pointer, vload, vstore


@kernel
def exponentiate(numbers, rounds):
    """Replaces numbers (a multiple of LANES) by 2^-x, again and again."""
    p = pointer(numbers[0], numbers.ctypes.data)
    for _ in range(rounds):
        for at in range(0, numbers.size, LANES):
            value = vload(p, at)
            vstore(p, at, exp2(value * fill(value, -1.0)))
