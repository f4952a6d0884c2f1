"""Writing a result as files, in a process of its own: the web process has no file libraries.

Run as `python -m rsviz.jobs.exporter FD PARENT`: it takes results from its socket, writes
them with `rsviz.io` as an archive or as a report of errors, answers, and ends.
"""

from __future__ import annotations

import tempfile
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rsviz.core.errors import ModelFailed, RsvizError
from rsviz.core.model import Result
from rsviz.jobs import wire
from rsviz.jobs.error_exporter import View
from rsviz.jobs.process import Child, arguments
from rsviz.jobs.readers import opened

LIMIT_SECONDS = 300.0
AGAIN = "Try again, or use: python -m rsviz run --record record.json --out DIR"


def export(result: Result, archive: Path) -> None:
    """Write everything that belongs to a result into a zip archive.

    Args:
        result: what a run gave.
        archive: path of the archive; its folder must exist.

    Raises:
        RsvizError: the scene is gone, the disk is full, or the process ended.
    """
    _ask({"archive": str(archive)}, result)


def export_errors(
    results: tuple[Result, Result | None, Result | None], view: View, folder: Path
) -> None:
    """Write a report of errors, its pixels and its layers; see `error_exporter`.

    Args:
        results: A, B, and the explanation of a pixel.
        view: how the page looks at them.
        folder: where to; must exist.

    Raises:
        RsvizError: the scene is gone, the disk is full, or the process ended.
    """
    _ask({"errors": str(folder), "view": asdict(view)}, results)


def _ask(request: dict[str, Any], value: object) -> None:
    """Have a process of its own do it, and wait.

    Raises:
        RsvizError: what it says, or that it ended early.
    """
    child = Child("rsviz.jobs.exporter")
    child.conn.settimeout(LIMIT_SECONDS)
    try:
        wire.send_object(child.conn, request, value)
        answer, _ = wire.receive(child.conn)
    except TimeoutError:
        raise ModelFailed(f"The export took longer than {LIMIT_SECONDS:.0f} s.", AGAIN) from None
    except wire.Broken:
        raise ModelFailed(f"The export ended early: {child.ended()}.", AGAIN) from None
    finally:
        child.close()
    if "error" in answer:
        raise wire.error_from(answer["error"])


def _main() -> None:
    conn, _, _ = arguments()
    header, arrays = wire.receive(conn)
    try:
        value = wire.value_of(header, arrays)
        if "errors" in header:
            _write_errors(value, header["view"], Path(header["errors"]))
        else:
            _write(value, Path(header["archive"]))
    except RsvizError as error:
        wire.send(conn, {"error": wire.error_fields(error)})
    except OSError as error:
        told = RsvizError(f"The files could not be written: {error.strerror}.", AGAIN)
        wire.send(conn, {"error": wire.error_fields(told)})
    else:
        wire.send(conn, {})


def _write_errors(
    results: tuple[Result, Result | None, Result | None], view: dict[str, Any], folder: Path
) -> None:
    """Write the files of the page of errors."""
    from rsviz.jobs.error_exporter import write

    record = results[0].record
    lists = {name: tuple(view[name]) for name in ("filter", "area")}
    with opened(record.scene_ref, record.scene_variable, record.scene_axes) as source:
        write(source, results, View(**(view | lists)), folder)


def _write(result: Result, archive: Path) -> None:
    """Write the files beside the archive, then pack them."""
    from rsviz.draw.colour import first_look
    from rsviz.evaluate.changes import apply
    from rsviz.io.export import write_result

    record = result.record
    with opened(record.scene_ref, record.scene_variable, record.scene_axes) as source:
        bands = None if record.changes else first_look(source.describe().bands)
        scene = source.read(record.scene_window, bands)
    scene = apply(scene, record.changes, record.seed)
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        files = write_result(result, scene, Path(folder))
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as out:
            for file in files:
                out.write(file, file.name)


if __name__ == "__main__":
    _main()
