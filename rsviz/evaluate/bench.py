"""How fast the models are: medians of warm runs, each beside a target or another way to compute."""

from __future__ import annotations

from functools import partial

from rsviz.core import registry
from rsviz.evaluate.bench_model import model_bench
from rsviz.evaluate.rows import Bench, Row


def scan_bench(quick: bool, device: str) -> list[Row]:
    """The selective scan against loops, a parallel scan and the machine's floor."""
    from rsviz.evaluate.bench_scan import bench_scan

    return bench_scan(quick)


def sformer_bench(quick: bool, device: str) -> list[Row]:
    """SFormer, whose published form is the other way to compute."""
    from rsviz.evaluate.bench_sformer import bench_sformer

    return bench_sformer(quick, device)


def spike_sr_bench(quick: bool, device: str) -> list[Row]:
    """SpikeSR beside fewer steps, a plain network, and spikingjelly's neurons."""
    from rsviz.evaluate.bench_spike_sr import bench_spike_sr

    return bench_spike_sr(quick, device)


def series_bench(quick: bool, device: str) -> list[Row]:
    """SITSMamba's temporal encoder beside attention, at growing lengths."""
    from rsviz.evaluate.bench_series import bench_series

    return bench_series(quick, device)


def lst_bench(quick: bool, device: str) -> list[Row]:
    """All maps of surface temperature on a scene of 4000 x 4000 pixels."""
    from rsviz.evaluate.bench_lst import bench_lst

    return bench_lst(quick, device)


def benches() -> dict[str, Bench]:
    """The scan, and models under their ids: (quick, device) -> rows."""
    classifiers = [card.id for card in registry.emitting("class_map")]
    models: dict[str, Bench] = {name: partial(model_bench, name) for name in classifiers}
    own: dict[str, Bench] = {
        "sformer": sformer_bench,
        "spike_sr": spike_sr_bench,
        "sits_mamba": series_bench,
        "lst_coupled": lst_bench,
    }
    return {"scan": scan_bench} | models | own
