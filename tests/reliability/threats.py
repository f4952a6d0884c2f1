"""The threats of files from strangers: what stands against each, and what proves it."""

from __future__ import annotations

from dataclasses import dataclass

from guards import GUARDS


@dataclass(frozen=True)
class Threat:
    """One threat.

    Attributes:
        what: in a few words.
        guards: names in `GUARDS`; each belongs to one threat.
        proofs: of RELIABILITY.md.
        tests: further tests, of what cannot be switched off.
        by: what stands against it beside guards.
    """

    what: str
    guards: tuple[str, ...]
    proofs: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    by: str = ""


THREATS = (
    Threat(
        "HDF5 (.h5, .mat 7.3, .nc 4) that shows other files by external storage, links or virtual "
        "datasets, or loads plug-ins",
        (
            "HDF5: numbers in other files", "HDF5: links to other files", "HDF5: plug-ins",
            "HDF5: depth", "HDF5: number of objects", "jail: files",
        ),
        ("R3",),
    ),
    Threat(
        "a virtual raster under another name, a path that means a driver or the network",
        (
            "GDAL: one driver an opening", "first bytes choose the reader", "ordinary files alone",
            "jail: network",
        ),
        ("R3",),
    ),
    Threat(
        "bombs: small files that announce or unpack much",
        (
            "largest scene in memory", "largest array unpacked", "largest block",
            "files are long enough", "number of dates", "jail: memory", "jail: processor time",
            "wire: sizes",
        ),
        ("R1", "R2"),
    ),
    Threat(
        "a crowd that fills the memory",
        ("gate of uploads", "room of one visitor"),
        ("R8",),
        ("tests/views/test_room.py", "tests/views/test_uploads.py"),
    ),
    Threat(
        "a crash or hang in a file library",
        (),
        ("R1", "R7"),
        (
            "tests/jobs/test_readers.py",
            "tests/jobs/test_executor.py::test_the_web_process_imports_no_heavy_library",
        ),
        "files are parsed and models run in processes of their own, which are replaced",
    ),
    Threat(
        "one visitor gets what belongs to another",
        ("tiles: token of their visitor",),
        ("R7", "R8"),
        ("tests/views/test_tiles.py::test_a_tile_is_served_for_its_visitor_only",),
    ),
    Threat(
        "paths that leave their folder",
        ("path function", "names of uploads", "profile: paths", "store: keys are no paths"),
        ("R5",),
    ),
    Threat(
        "markup and scripts in names, metadata and messages",
        ("text as text", "text in charts"),
        ("R6",),
        ("tests/pages/test_foreign_names.py", "tests/reliability/test_text_stays_text.py"),
    ),
    Threat(
        "pickles, and weights that are not those of their record",
        (
            "arrays of plain numbers", "jail: pickles and programs", "weights: hash",
            "weights: header", "weights: reference output",
        ),
        ("R14",),
        ("tests/jobs/test_wire.py::test_objects_are_never_pickled",),
    ),
    Threat(
        "pixels that are silently wrong",
        (),
        ("R15",),
        ("tests/io/test_identity.py",),
        "every container of a scene gives the same pixels to the bit",
    ),
    Threat(
        "entries of the cache that are half written or damaged",
        ("store: checksums",),
        ("R13",),
        (
            "tests/jobs/test_store.py::test_a_failing_disk_leaves_the_old_state",
            "tests/jobs/test_upkeep.py",
        ),
    ),
    Threat(
        "a full disk",
        ("disk keeps some room",),
        (),
        ("tests/jobs/test_store.py::test_the_least_recently_used_entries_go_first",),
    ),
    Threat(
        "a server that starts although it is weak",
        ("profile: refused while weak", "profile: readers"),
        (),
        ("tests/reliability/test_start.py",),
    ),
)  # fmt: skip
"""The first twelve are those of the study, most dangerous first."""


def table() -> list[str]:
    """The threats in a table of Markdown."""
    rows = ["| | threat | guards, each in one place | proof | tests |", "|---|---|---|---|---|"]
    for number, threat in enumerate(THREATS, start=1):
        named = [f"{name}: `{GUARDS[name].place}`" for name in threat.guards]
        guards = "<br>".join([*named, *([threat.by] if threat.by else [])])
        files = [GUARDS[name].tests.split()[0].partition("::")[0] for name in threat.guards]
        tests = "<br>".join(dict.fromkeys(f"`{test}`" for test in (*files, *threat.tests)))
        proofs = ", ".join((*threat.proofs, *(("R19",) if threat.guards else ())))
        rows.append(f"| {number} | {threat.what} | {guards} | {proofs} | {tests} |")
    return rows
