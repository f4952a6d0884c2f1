"""Whatever the bytes are, a reader gives a valid scene or a sentence, never another error."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path

import pytest
import scene_files as files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import read_everything

from rsviz.io.doors import HDF5, MAGIC, open_file
from rsviz.io.paths import header_of

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
FEW = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
BOUNDARIES = (0, 1, 0x7F, 0x80, 0xFF)


def try_everything(path: Path) -> None:
    """Do so in a child, as the app does: a C library that crashes takes nobody else down."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(10)
            read_everything(path)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(ended)
    content = path.read_bytes()
    if HDF5 in content and code < 0:
        return  # the HDF5 library itself crashed or ran on; the reader process exists for this
    assert code == 0, f"the reader ended with {code} on {content!r}"


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, bytes]]:
    found = {}
    for name, make in files.SEEDS.items():
        path = make(tmp_path_factory.mktemp(name))
        found[name] = (path, path.read_bytes())
    return found


def test_seeds_themselves_are_read(seeds: dict[str, tuple[Path, bytes]]) -> None:
    for path, content in seeds.values():
        path.write_bytes(content)
        assert open_file(path).read().shape[2:] == (9, 8)


@FEW
@given(content=st.binary(min_size=1, max_size=600), magic=st.sampled_from([m for m, _ in MAGIC]))
def test_random_bytes(tmp_path: Path, content: bytes, magic: bytes) -> None:
    for name, whole in (("plain.tif", content), ("magic.mat", magic + content)):
        path = tmp_path / name
        path.write_bytes(whole)
        try_everything(path)


@pytest.mark.parametrize("seed", files.SEEDS)
@FEW
@given(share=st.floats(0, 1))
def test_truncations(seeds: dict[str, tuple[Path, bytes]], seed: str, share: float) -> None:
    path, content = seeds[seed]
    path.write_bytes(content[: max(1, int(share * len(content)))])
    try_everything(path)


@pytest.mark.parametrize("seed", files.SEEDS)
@FEW
@given(
    changes=st.lists(
        st.tuples(st.floats(0, 0.999), st.one_of(st.sampled_from(BOUNDARIES), st.integers(0, 255))),
        min_size=1,
        max_size=6,
    ),
    early=st.booleans(),
)
def test_mutations(
    seeds: dict[str, tuple[Path, bytes]], seed: str, changes: list[tuple[float, int]], early: bool
) -> None:
    """Some bytes changed, often in the first kilobyte, where headers lie."""
    path, content = seeds[seed]
    mutated = bytearray(content)
    reach = min(len(content), 1024) if early else len(content)
    for place, value in changes:
        mutated[int(place * reach)] = value
    path.write_bytes(mutated)
    try_everything(path)


@pytest.mark.parametrize("seed", files.SEEDS)
@FEW
@given(
    place=st.floats(0, 0.999),
    size=st.sampled_from([2, 4, 8]),
    number=st.sampled_from([0, 1, -1, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1]),
    order=st.sampled_from(["little", "big"]),
)
def test_boundary_numbers(
    seeds: dict[str, tuple[Path, bytes]],
    seed: str,
    place: float,
    size: int,
    number: int,
    order: str,
) -> None:
    """A count or an offset replaced by a number at the edge of its type."""
    path, content = seeds[seed]
    mutated = bytearray(content)
    at = int(place * len(content)) // 2 * 2
    value = (number % 2 ** (8 * size)).to_bytes(size, order)  # type: ignore[arg-type]
    mutated[at : at + size] = value
    path.write_bytes(mutated)
    try_everything(path)


@FEW
@given(
    changes=st.lists(
        st.tuples(st.floats(0, 0.999), st.sampled_from("0{}=,-9\nx;é")), min_size=1, max_size=5
    )
)
def test_mutated_envi_headers(
    seeds: dict[str, tuple[Path, bytes]], changes: list[tuple[float, str]]
) -> None:
    path, content = seeds["envi"]
    path.write_bytes(content)
    header = path.with_suffix(".hdr")
    original = header.read_text()
    text = list(original)
    for place, letter in changes:
        text[int(place * len(text))] = letter
    header.write_text("".join(text))
    try:
        try_everything(path)
        assert header_of(path) == header
    finally:
        header.write_text(original)


@FEW
@given(
    shape=st.lists(st.integers(-1, 2**40), min_size=0, max_size=6),
    descr=st.sampled_from(["<u2", "|O", "<f16", "<c8", ">i8", "|b1", "|V3", "nonsense"]),
)
def test_npy_headers(tmp_path: Path, shape: list[int], descr: str) -> None:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {tuple(shape)}, }}\n"
    path = tmp_path / "a.npy"
    length = len(header).to_bytes(2, "little")
    path.write_bytes(b"\x93NUMPY\x01\x00" + length + header.encode() + bytes(64))
    try_everything(path)
