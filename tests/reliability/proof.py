"""What a proof of reliability says: how much was tried, what held, what was found."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "reliability"


@dataclass
class Proof:
    """One measured line of RELIABILITY.md.

    Attributes:
        id: e.g. "R2".
        title: what is tried, in a few words.
        passes_when: the condition, in words.
        held, tried: cases in which it held, and all.
        figures: further measured numbers, by what they are.
        faults: what did not hold, one line each; empty when the proof passes.
        seconds: it took.
        when: date and time, UTC.
    """

    id: str
    title: str
    passes_when: str
    held: int = 0
    tried: int = 0
    figures: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    when: str = ""

    @property
    def passed(self) -> bool:
        return not self.faults and self.held == self.tried > 0

    def count(self, held: bool, fault: str) -> None:
        """Note one case, and what went wrong with it if anything."""
        self.tried += 1
        if held:
            self.held += 1
        else:
            self.faults.append(fault[:300])

    def save(self) -> None:
        """Keep the proof until the report is written."""
        RESULTS.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (RESULTS / f"{self.id}.json").write_text(text + "\n", encoding="utf8")


def saved() -> list[Proof]:
    """All proofs that were kept, by number."""
    found = [Proof(**json.loads(p.read_text("utf8"))) for p in RESULTS.glob("R*.json")]
    return sorted(found, key=lambda p: int(p.id[1:].partition("/")[0]))


@contextmanager
def timed(proof: Proof) -> Iterator[Proof]:
    """Note when a proof was made and how long it took."""
    started = time.monotonic()
    yield proof
    proof.seconds = round(time.monotonic() - started, 1)
    proof.when = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
