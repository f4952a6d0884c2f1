"""What each measured number is called, its unit, and which way is better.

Records hold plain keys and numbers; whoever shows them asks here how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Metric:
    """How a measured number is shown.

    Attributes:
        label: short name for a table's head.
        name: what it is, in words.
        unit: after `factor`; "" for none.
        factor: by which the recorded number is multiplied.
        decimals: shown after the point.
        higher: whether more is better.
    """

    label: str
    name: str
    unit: str = ""
    factor: float = 1.0
    decimals: int = 2
    higher: bool = True

    @property
    def head(self) -> str:
        """Label with unit, for the head of a column."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label

    def text(self, value: float, spread: float | None = None) -> str:
        """The number as shown, with its spread if any, without the unit."""
        shown = f"{value * self.factor:.{self.decimals}f}"
        if spread is None:
            return shown
        return f"{shown} ± {spread * self.factor:.{self.decimals}f}"


METRICS: dict[str, Metric] = {
    "overall_accuracy": Metric("OA", "overall accuracy", "%", 100),
    "average_accuracy": Metric("AA", "average accuracy over classes", "%", 100),
    "kappa": Metric("κ", "Cohen's kappa", "%", 100),
    "macro_f1": Metric("macro F1", "mean F1 score over classes", "%", 100),
    "ece": Metric("ECE", "expected calibration error", "%", 100, higher=False),
    "brier": Metric("Brier", "Brier score", decimals=3, higher=False),
    "aurc": Metric("AURC", "area under the risk-coverage curve", decimals=4, higher=False),
    "psnr_db": Metric("PSNR", "peak signal-to-noise ratio", "dB"),
    "ssim": Metric("SSIM", "structural similarity", decimals=4),
    "gmsd": Metric("GMSD", "gradient magnitude similarity deviation", decimals=4, higher=False),
    "sam_deg": Metric("SAM", "spectral angle", "°", higher=False),
    "ergas": Metric("ERGAS", "relative global error of synthesis", higher=False),
    "detail_agreement": Metric("Detail", "correlation of detail beyond the input with the truth"),
    "consistency_db": Metric(
        "Consistency", "PSNR of the image made coarse again to the input", "dB"
    ),
    "rmse_k": Metric("RMSE", "root mean square error", "K", higher=False),
    "humid_rmse_k": Metric(
        "humid RMSE", "root mean square error above 5 g/cm² of water vapour", "K", higher=False
    ),
    "mae_k": Metric("MAE", "mean absolute error", "K", higher=False),
    "bias_k": Metric("bias", "mean error", "K", higher=False),
}
"""All metrics by the key under which records hold them; the order is that of columns."""


def shown(metrics: Mapping[str, Any]) -> dict[str, Metric]:
    """Those of the known metrics that a record holds as one number, in the order of columns."""
    return {
        key: metric for key, metric in METRICS.items() if isinstance(metrics.get(key), (int, float))
    }
