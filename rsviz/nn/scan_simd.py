"""Vectors of floats for numba kernels: one value holds LANES numbers, and arithmetic acts on all.

Numba compiles loops over scalars and hopes that they vectorise; exponentials do not without Intel's
SVML, and short loops do not either. Here the kernels say it outright: ``vload``, ``+ - *``,
``exp2``, ``vsum``, ``vstore``. LLVM turns a vector into whatever registers the processor has (two
256-bit ones without AVX-512), so no compiler and no flag is needed at the user's.

Arithmetic carries the flag ``contract`` alone (fused multiply-add). Reassociation must stay off: it
would cancel the rounding constant of ``exp2`` and make the result silently wrong.
"""

import operator

import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils, config, types
from numba.extending import intrinsic, models, overload, register_model

LANES = 16
LOG2E = float(np.log2(np.e))
LN2 = float(np.log(2.0))

_CONTRACT = ("contract",)
I32 = ir.IntType(32)
# 2^r = 1 + r q(r) on [-1/2, 1/2], minimax in relative error (2e-9), exact at 0.
_EXP2 = (0.6931472028550475, 0.2402264791363159, 0.05550332471155742)
_EXP2 += (0.009618437357481722, 0.0013398874404660574, 0.0001535336193688036)
# atanh(s)/s in s^2 on [0, 1/9], minimax (1e-10): log(1 + w) = 2 atanh(w / (2 + w)).
_ATANH = (0.9999999998994414, 0.3333333974201062, 0.19999339099013372)
_ATANH += (0.14310521053678668, 0.10694980251813295, 0.12212454504128166)
_ROUND = 12582912.0  # 1.5 * 2^23: adding it rounds a float32 to an integer


class Vector(types.Type):
    """The numba type of LANES numbers of one kind."""

    def __init__(self, dtype: types.Float):
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype} x {LANES})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        element = manager[vector.dtype].get_value_type()
        super().__init__(manager, vector, ir.VectorType(element, LANES))


@intrinsic
def pointer(typingctx, kind, address):
    """The address of numbers of a kind (that of a scalar), for ``p[i]`` and the functions below.

    Nothing checks bounds, and nothing keeps the memory alive: the caller does.
    """
    result = types.CPointer(kind)

    def code(context, builder, signature, args):
        return builder.inttoptr(args[1], context.get_value_type(result))

    return result(kind, types.intp), code


@intrinsic
def shift(typingctx, base, count):
    """The pointer ``count`` numbers further on."""

    def code(context, builder, signature, args):
        return builder.gep(args[0], [args[1]])

    return base(base, types.intp), code


def read_vector(builder, pointer, lanes):
    """Loads consecutive numbers from an address that need not be aligned."""
    vector = ir.VectorType(pointer.type.pointee, lanes)
    value = builder.load(builder.bitcast(pointer, vector.as_pointer()))
    value.align = 4
    return value


def write_vector(builder, value, pointer):
    """Stores consecutive numbers to an address that need not be aligned."""
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer())).align = 4


def shuffle(builder, first, second, lanes):
    """Picks lanes out of two vectors, counted through both."""
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(I32, len(lanes)), lanes))


def _broadcast(builder, scalar, lanes=LANES):
    vector = ir.VectorType(scalar.type, lanes)
    undefined = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(undefined, scalar, ir.Constant(I32, 0))
    return shuffle(builder, one, undefined, [0] * lanes)


def _constant(vector, value):
    return ir.Constant(vector, [value] * vector.count)


@intrinsic
def vload(typingctx, numbers, index):
    """Reads LANES numbers from an index on."""

    def code(context, builder, signature, args):
        return read_vector(builder, builder.gep(args[0], [args[1]]), LANES)

    return Vector(numbers.dtype)(numbers, types.intp), code


@intrinsic
def vstore(typingctx, numbers, index, value):
    """Writes LANES numbers from an index on."""

    def code(context, builder, signature, args):
        write_vector(builder, args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(numbers, types.intp, value), code


@intrinsic
def splat(typingctx, scalar):
    """A vector whose lanes all hold one number."""

    def code(context, builder, signature, args):
        return _broadcast(builder, args[0])

    return Vector(scalar)(scalar), code


@intrinsic
def fill(typingctx, like, number):
    """A vector of the kind of ``like`` whose lanes all hold one number."""

    def code(context, builder, signature, args):
        scalar = context.cast(builder, args[1], signature.args[1], like.dtype)
        return _broadcast(builder, scalar)

    return like(like, number), code


@intrinsic
def vsplat(typingctx, numbers, index):
    """A vector whose lanes all hold one of some numbers."""

    def code(context, builder, signature, args):
        return _broadcast(builder, builder.load(builder.gep(args[0], [args[1]])))

    return Vector(numbers.dtype)(numbers, types.intp), code


@intrinsic
def vzero(typingctx, numbers):
    """A vector of zeros, of the same kind as some numbers."""

    def code(context, builder, signature, args):
        return ir.Constant(context.get_value_type(signature.return_type), None)

    return Vector(numbers.dtype)(numbers), code


def _arithmetic(name):
    @intrinsic
    def operation(typingctx, left, right):
        def code(context, builder, signature, args):
            return getattr(builder, name)(*args, flags=_CONTRACT)

        return left(left, right), code

    def choose(left, right):
        if isinstance(left, Vector) and left == right:
            return lambda left, right: operation(left, right)  # noqa: PLW0108 - numba needs one
        return None

    return choose


for _operator, _name in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    overload(_operator)(_arithmetic(_name))
overload(operator.truediv)(_arithmetic("fdiv"))


def _polynomial(builder, x, coefficients):
    """Horner's rule, highest power last in ``coefficients``."""
    result = _constant(x.type, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        product = builder.fmul(result, x, flags=_CONTRACT)
        result = builder.fadd(product, _constant(x.type, coefficient), flags=_CONTRACT)
    return result


def _at_least(builder, x, bound):
    """max(x, bound) that lets NaN through."""
    limit = _constant(x.type, bound)
    return builder.select(builder.fcmp_ordered("<", x, limit), limit, x)


def _at_most(builder, x, bound):
    """min(x, bound) that lets NaN through."""
    limit = _constant(x.type, bound)
    return builder.select(builder.fcmp_ordered(">", x, limit), limit, x)


def _intrinsic_call(builder, name, x):
    kind = "f32" if isinstance(x.type.element, ir.FloatType) else "f64"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(x.type, [x.type]), f"llvm.{name}.v{x.type.count}{kind}"
    )
    return builder.call(function, [x])


@intrinsic
def exp2(typingctx, value):
    """2 to the power of each lane: relative error below 1.2e-7 in float32, libm's in float64.

    The result of float32 saturates near 2^-126 and 2^127.5 (or at 0 and infinity, where the
    processor can scale by powers of two); NaN passes through.
    """

    def single(context, builder, signature, args):
        (x,) = args
        scaling = _has_avx512()
        if scaling:
            x = _at_least(builder, x, -1e4)  # -infinity would give NaN below
            whole = _intrinsic_call(builder, "roundeven", x)
        else:
            x = _at_most(builder, _at_least(builder, x, -126.0), 127.49)
            shifted = builder.fadd(x, _constant(x.type, _ROUND), flags=_CONTRACT)
            whole = builder.fsub(shifted, _constant(x.type, _ROUND), flags=_CONTRACT)
        rest = builder.fsub(x, whole, flags=_CONTRACT)
        power = builder.fmul(rest, _polynomial(builder, rest, _EXP2), flags=_CONTRACT)
        power = builder.fadd(power, _constant(x.type, 1.0), flags=_CONTRACT)
        if scaling:
            return _scale(builder, power, whole)
        # The low bits of ``shifted`` are the whole part: add them to the exponent of the power.
        integers = ir.VectorType(I32, x.type.count)
        exponent = builder.shl(builder.bitcast(shifted, integers), _constant(integers, 23))
        bits = builder.add(builder.bitcast(power, integers), exponent)
        return builder.bitcast(bits, x.type)

    def double(context, builder, signature, args):
        return _intrinsic_call(builder, "exp2", args[0])

    return value(value), single if value.dtype == types.float32 else double


def _scale(builder, value, exponent):
    """value 2^exponent in one instruction of AVX-512."""
    mask = ir.Constant(ir.IntType(16), -1)
    arguments = [value, exponent, ir.Constant(value.type, ir.Undefined), mask, ir.Constant(I32, 4)]
    kind = ir.FunctionType(value.type, [a.type for a in arguments])
    name = "llvm.x86.avx512.mask.scalef.ps.512"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


@intrinsic
def log1p(typingctx, value):
    """log(1 + w) of each lane for w in [0, 1]: relative error below 2e-7 in float32."""

    def single(context, builder, signature, args):
        (w,) = args
        ratio = builder.fdiv(w, builder.fadd(w, _constant(w.type, 2.0)))
        series = _polynomial(builder, builder.fmul(ratio, ratio), _ATANH)
        return builder.fmul(builder.fmul(ratio, _constant(w.type, 2.0)), series)

    def double(context, builder, signature, args):
        return _intrinsic_call(builder, "log", builder.fadd(args[0], _constant(args[0].type, 1.0)))

    return value(value), single if value.dtype == types.float32 else double


@intrinsic
def magnitude(typingctx, value):
    """The absolute value of each lane."""

    def code(context, builder, signature, args):
        return _intrinsic_call(builder, "fabs", args[0])

    return value(value), code


@intrinsic
def where_positive(typingctx, condition, yes, no):
    """Lane by lane, ``yes`` where ``condition`` > 0, else ``no``."""

    def code(context, builder, signature, args):
        zero = ir.Constant(args[0].type, None)
        return builder.select(builder.fcmp_ordered(">", args[0], zero), args[1], args[2])

    return yes(condition, yes, no), code


def _has_avx512() -> bool:
    chosen = config.CPU_NAME or config.CPU_FEATURES
    return not chosen and binding.get_host_cpu_features().get("avx512f", False)


def _x86() -> bool:
    return binding.get_process_triple().startswith(("x86_64", "i686", "amd64"))


@intrinsic
def flush_denormals(typingctx):
    """Makes this thread round denormal numbers to zero; returns the former setting.

    Arithmetic on denormals is a hundred times slower on x86, and a state that fades away is one
    sooner or later. Other processors handle them at full speed: nothing is done there.
    """

    def code(context, builder, signature, args):
        former = cgutils.alloca_once_value(builder, ir.Constant(I32, 0))
        if _x86():
            wanted = cgutils.alloca_once(builder, I32)
            _control_register(builder, "stmxcsr", former)
            flags = ir.Constant(I32, 0x8040)  # flush to zero, denormals are zero
            builder.store(builder.or_(builder.load(former), flags), wanted)
            _control_register(builder, "ldmxcsr", wanted)
        return builder.load(former)

    return types.int32(), code


@intrinsic
def restore_denormals(typingctx, former):
    """Puts back what ``flush_denormals`` returned."""

    def code(context, builder, signature, args):
        if _x86():
            _control_register(builder, "ldmxcsr", cgutils.alloca_once_value(builder, args[0]))
        return context.get_dummy_value()

    return types.void(types.int32), code


def _control_register(builder, instruction, slot):
    pointer = builder.bitcast(slot, ir.IntType(8).as_pointer())
    kind = ir.FunctionType(ir.VoidType(), [pointer.type])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{instruction}")
    builder.call(function, [pointer])
