"""The scan in fresh processes: two threads at once, forked children, and where kernels are kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TWO_VISITORS = """
import threading, torch
from rsviz.nn.mamba import Mamba
torch.manual_seed(0)
torch.set_num_threads(2)
block, x = Mamba(32), torch.randn(4, 600, 32)
wanted = block(x).detach()
wrong = []
def visit():
    for _ in range(15):
        y = block(x)
        torch.autograd.grad(y.sum(), block.A_log)
        if not torch.equal(y, wanted):
            wrong.append(1)
visitors = [threading.Thread(target=visit) for _ in range(4)]
[v.start() for v in visitors]; [v.join() for v in visitors]
print("wrong:", len(wrong))
"""

CHILD_AFTER_USE = """
import os, torch
from rsviz.nn.scan import selective_scan
torch.set_num_threads(2)
tensors = [torch.randn(4, 64, 600), torch.rand(4, 64, 600), -torch.rand(64, 16)]
tensors += [torch.randn(4, 16, 600), torch.randn(4, 16, 600)]
wanted = selective_scan(*tensors)
child = os.fork()
if child == 0:
    os._exit(0 if torch.equal(selective_scan(*tensors), wanted) else 1)
print("child:", os.waitpid(child, 0)[1])
"""

WHERE = """
from rsviz.nn.scan import warm_up
warm_up()
from rsviz.nn.scan_forward import forward
print(forward._cache.cache_path, sum(forward.stats.cache_hits.values()))
"""


def run(code, **environment):
    """Standard output of a Python program."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("layer", ["workqueue", "omp"])
def test_two_visitors_at_once_get_the_right_result(layer):
    assert run(TWO_VISITORS, NUMBA_THREADING_LAYER=layer) == "wrong: 0\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_scans_too():
    assert run(CHILD_AFTER_USE) == "child: 0\n"


@pytest.mark.slow
def test_compiled_kernels_are_kept_in_the_users_cache(tmp_path):
    places = {"XDG_CACHE_HOME": str(tmp_path), "NUMBA_CACHE_DIR": ""}
    folder, hits = run(WHERE, **places).split()
    assert Path(folder).is_relative_to(tmp_path / "rsviz")
    assert hits == "0"
    assert run(WHERE, **places).split() == [folder, "1"]


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_replaced_by_a_temporary_one(tmp_path):
    blocked = tmp_path / "a file"
    blocked.touch()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    places = {"XDG_CACHE_HOME": str(blocked), "TMPDIR": str(temporary), "NUMBA_CACHE_DIR": ""}
    folder, _ = run(WHERE, **places).split()
    assert Path(folder).is_relative_to(temporary)


def test_importing_the_scan_is_light():
    code = "import sys, rsviz.nn.scan; print({'numba', 'mamba_ssm', 'triton'} & set(sys.modules))"
    assert run(code) == "set()\n"
