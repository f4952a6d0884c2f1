"""How much memory a scan takes above its inputs, measured in a process of its own (Linux only)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]

SCRIPT = """
import torch
from rsviz.evaluate.bench_scan_rivals import loop_unbind, random_inputs
from rsviz.nn.scan import selective_scan, warm_up
torch.set_num_threads({threads})
warm_up()
small = random_inputs((1, 4, 4, 4))
{scan}(*small).backward(torch.ones_like(small[0]))  # torch loads code at the first backward
tensors = random_inputs({shape})
pull = torch.ones_like(tensors[0])
def status(name):
    return next(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith(name)) / 1024
open("/proc/self/clear_refs", "w").write("5")  # forget the peak so far
before = status("VmRSS")
if {training}:
    {scan}(*tensors).backward(pull)
else:
    with torch.no_grad():
        {scan}(*tensors)
print(status("VmHWM") - before)
"""


def peak_mib(scan: str, shape: tuple[int, int, int, int], training: bool) -> float | None:
    """Peak of resident memory above the inputs, in MiB; None where the system does not tell.

    Args:
        scan: "selective_scan" or "loop_unbind".
        shape: batch, channels, states, length.
        training: whether to compute all gradients, too.
    """
    if not Path("/proc/self/clear_refs").exists():
        return None
    code = SCRIPT.format(threads=torch.get_num_threads(), shape=shape, training=training, scan=scan)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)
