"""Leaky integrate-and-fire over all time steps as one compiled loop.

The membrane stays in a register. Memory is addressed as in `rsviz.nn.scan_simd`: nothing checks
bounds. The last vector of a share may overlap the one before; both write the same numbers.
"""

import numba

from rsviz.nn.scan_cache import kernel
from rsviz.nn.scan_simd import (
    LANES,
    LOG2E,
    exp2,
    magnitude,
    pointer,
    splat,
    vload,
    vstore,
    vzero,
    where_positive,
)


@kernel
def forward(current, spikes, charge, steps, size, keep, threshold, first, end):
    """Neurons [first, end) of `size`: currents in, spikes and charge (before reset) out."""
    kind = numba.float32(0)
    current, spikes = pointer(kind, current), pointer(kind, spikes)
    charge = pointer(kind, charge)
    leak, limit = splat(numba.float32(keep)), splat(numba.float32(threshold))
    one, zero = splat(numba.float32(1)), vzero(current)
    for start in range(first, end, LANES):
        at = min(start, end - LANES)
        membrane = zero
        for t in range(steps):
            here = t * size + at
            h = leak * membrane + vload(current, here)
            below = limit - h
            vstore(charge, here, h)
            vstore(spikes, here, where_positive(below, zero, one))
            membrane = where_positive(below, h, zero)


@kernel
def backward(charge, d_spikes, d_current, steps, size, keep, threshold, slope, first, end):
    """Gradients of the currents, back through time, with the sigmoid surrogate of the firing."""
    kind = numba.float32(0)
    charge, d_spikes = pointer(kind, charge), pointer(kind, d_spikes)
    d_current = pointer(kind, d_current)
    leak, limit = splat(numba.float32(keep)), splat(numba.float32(threshold))
    one, zero = splat(numba.float32(1)), vzero(charge)
    steep, rate = splat(numba.float32(-slope * LOG2E)), splat(numba.float32(slope))
    for start in range(first, end, LANES):
        at = min(start, end - LANES)
        d_membrane = zero
        for back in range(steps):
            here = (steps - 1 - back) * size + at
            h = vload(charge, here)
            e = exp2(steep * magnitude(h - limit))
            surrogate = rate * e / ((one + e) * (one + e))
            silent = where_positive(limit - h, one, zero)
            d_h = vload(d_spikes, here) * surrogate + d_membrane * (silent - h * surrogate)
            vstore(d_current, here, d_h)
            d_membrane = leak * d_h
