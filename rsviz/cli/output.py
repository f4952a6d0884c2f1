"""How commands answer: JSON on standard output, progress on standard error."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PROGRESS_S = 1.0


@dataclass(frozen=True)
class Answer:
    """What a command found: plain data, and the same as text for people."""

    data: Any
    text: str

    def as_json(self) -> str:
        """The data as JSON; numbers that JSON does not know become null."""
        return json.dumps(_plain(self.data), ensure_ascii=False, indent=1)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows of text in aligned columns."""
    cells = [[str(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


class Progress:
    """Says on standard error how far the work is, at most once a second."""

    def __init__(self) -> None:
        self._said = -math.inf

    def __call__(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if now - self._said >= PROGRESS_S:
            self._said = now
            print(f"{done} of {total}: {what}", file=sys.stderr, flush=True)
