"""Images as files for a browser."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LOSSY_PIXELS = 512 * 512


def encode(image: NDArray[np.uint8], photo: bool = False) -> tuple[bytes, str]:
    """An image (h, w, 4) as a file and its media type: PNG, or lossy WebP for large photographs."""
    out = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(image))
    if photo and image.shape[0] * image.shape[1] > LOSSY_PIXELS:
        picture.save(out, "WEBP", quality=88, method=1)
        return out.getvalue(), "image/webp"
    picture.save(out, "PNG", compress_level=3)
    return out.getvalue(), "image/png"


def data_uri(data: bytes, media_type: str) -> str:
    """A file as an address that holds the file itself."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
