"""The toy's model: interpolation plus the difference to a blurred copy."""

import numpy as np
from scipy import ndimage

from rsviz.core.layers import Curve, SRImage, UncertaintyMap
from rsviz.physics.resample import resize


class Sharpen:
    """Unsharp masking after Lanczos interpolation."""

    def load(self, weights, device):
        self.device = device

    def predict(self, scene, options, ctx):
        ctx.step(0, 1, "enlarging")
        height, width = (side * options.scale for side in scene.grid.shape)
        grid = scene.grid.resized(height, width)
        large = resize(scene.pixels[0], height, width, "lanczos")
        blurred = ndimage.gaussian_filter(large, (0, options.scale / 2, options.scale / 2))
        seen = scene.valid[0].repeat(options.scale, 0).repeat(options.scale, 1)
        image = np.where(seen, large + options.amount * (large - blurred), np.nan)
        layers = {
            "image": SRImage(
                "Sharpened", "With an unsharp mask.", grid, image, scene.bands, options.scale
            )
        }
        if "amounts_spread" in ctx.wants:
            spread = np.where(seen, np.abs(large - blurred).mean(axis=0), np.nan)
            layers["amounts_spread"] = UncertaintyMap(
                "Spread over amounts", "How much the amount matters.", grid, spread, "std", ""
            )
        if "pixel_detail" in ctx.wants:
            row = options.pick_row if options.pick_row >= 0 else scene.grid.height // 2
            line = scene.pixels[0, :, row, :]
            layers["pixel_detail"] = Curve(
                f"Row {row}",
                "Values along the row of the picked pixel.",
                np.arange(scene.grid.width),
                line[:3],
                tuple(band.name for band in scene.bands[:3]),
                "column",
                "value",
            )
        return layers
