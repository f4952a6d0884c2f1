"""Numbers that change lanes: sums over lanes, and transposition on the way to and from memory."""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from rsviz.nn.scan_simd import I32, LANES, Vector, read_vector, shuffle, write_vector

COLUMNS = 4  # steps that are transposed together


@intrinsic
def vsum(typingctx, value):
    """The sum over the lanes, as a number."""

    def code(context, builder, signature, args):
        (x,) = args
        while x.type.count > 1:
            half = x.type.count // 2
            low, high = list(range(half)), list(range(half, 2 * half))
            x = builder.fadd(shuffle(builder, x, x, low), shuffle(builder, x, x, high))
        return builder.extract_element(x, ir.Constant(I32, 0))

    return value.dtype(value), code


@intrinsic
def vsum_rows(typingctx, numbers, index):
    """Lane i holds the sum of row i of LANES rows of LANES numbers that follow each other.

    A butterfly: every pass folds pairs of rows into one, half of whose lanes belongs to each.
    """

    def code(context, builder, signature, args):
        first = builder.gep(args[0], [args[1]])
        step = ir.Constant(args[1].type, LANES)
        rows = [read_vector(builder, p, LANES) for p in _row_pointers(builder, first, step)]
        lanes, half = range(LANES), LANES // 2
        while half:
            # Lane l of a folded pair: of the first row if bit ``half`` of l is 0, else the second.
            keep = [lane if not lane & half else LANES + (lane ^ half) for lane in lanes]
            other = [lane ^ half if not lane & half else LANES + lane for lane in lanes]
            pairs = list(zip(rows[:half], rows[half:], strict=True))
            rows = [
                builder.fadd(shuffle(builder, *p, keep), shuffle(builder, *p, other)) for p in pairs
            ]
            half //= 2
        return rows[0]

    return Vector(numbers.dtype)(numbers, types.intp), code


def _transpose_groups(builder, vectors):
    """Transposes 4x4 blocks: lane 4i+j of vector k and lane 4i+k of vector j change places."""
    lanes = vectors[0].type.count
    blocks = range(0, lanes, COLUMNS)
    low = [b + i for b in blocks for i in (0, lanes, 1, lanes + 1)]
    high = [b + i for b in blocks for i in (2, lanes + 2, 3, lanes + 3)]
    a, b = (shuffle(builder, vectors[0], vectors[1], order) for order in (low, high))
    c, d = (shuffle(builder, vectors[2], vectors[3], order) for order in (low, high))
    left = [b + i for b in blocks for i in (0, 1, lanes, lanes + 1)]
    right = [b + i for b in blocks for i in (2, 3, lanes + 2, lanes + 3)]
    pairs = ((a, c, left), (a, c, right), (b, d, left), (b, d, right))
    return [shuffle(builder, x, y, order) for x, y, order in pairs]


def _join(builder, parts):
    """Concatenates vectors of equal length (a power of two of them)."""
    while len(parts) > 1:
        order = list(range(2 * parts[0].type.count))
        parts = [shuffle(builder, *parts[i : i + 2], order) for i in range(0, len(parts), 2)]
    return parts[0]


def _row_pointers(builder, pointer, stride):
    return [
        builder.gep(pointer, [builder.mul(stride, ir.Constant(stride.type, row))])
        for row in range(LANES)
    ]


@intrinsic
def load_columns(typingctx, numbers, index, stride):
    """Reads 4 steps of LANES rows that lie ``stride`` apart: four vectors, one a step."""

    def code(context, builder, signature, args):
        first = builder.gep(args[0], [args[1]])
        rows = [read_vector(builder, p, COLUMNS) for p in _row_pointers(builder, first, args[2])]
        # Vector k joins the rows k, 4+k, 8+k, ..: after the transposition its lanes are in order.
        grouped = [_join(builder, rows[k::COLUMNS]) for k in range(COLUMNS)]
        columns = _transpose_groups(builder, grouped)
        return context.make_tuple(builder, signature.return_type, columns)

    vector = Vector(numbers.dtype)
    return types.UniTuple(vector, COLUMNS)(numbers, types.intp, types.intp), code


@intrinsic
def store_columns(typingctx, numbers, index, stride, columns):
    """Writes four vectors as 4 steps of LANES rows that lie ``stride`` apart."""

    def code(context, builder, signature, args):
        first = builder.gep(args[0], [args[1]])
        grouped = _transpose_groups(builder, cgutils.unpack_tuple(builder, args[3], COLUMNS))
        for row, pointer in enumerate(_row_pointers(builder, first, args[2])):
            start = row - row % COLUMNS
            lanes = list(range(start, start + COLUMNS))
            vector = grouped[row % COLUMNS]
            write_vector(builder, shuffle(builder, vector, vector, lanes), pointer)
        return context.get_dummy_value()

    return types.void(numbers, types.intp, types.intp, columns), code
