"""The published form, operation by operation: what tests and the bench compare with.

Every patch goes through every layer as images (N, C, 5, 5), in batches of 1024; attention holds
all 100 x 100 scores of a head. It reads the parameters of an `SFormer` in use.
"""

from __future__ import annotations

import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.sformer.network import DEPTH, PATCH, SIDE, KernelBlock, SFormer, TokenBlock
from models.sformer.patches import padded, patches_at

BATCH = 1024


def seconds_a_pixel(network: SFormer, image: Tensor, count: int) -> float:
    """Time of a pixel in the published form, measured on `count` pixels of an image (k, H, W)."""
    image = padded(image)
    width = image.shape[2] - PATCH + 1
    index = torch.arange(count, device=image.device) % (width * (image.shape[1] - PATCH + 1))
    started = time.perf_counter()
    with torch.inference_mode():
        for pixels in index.split(BATCH):
            found = scores(network, patches_at(image, pixels // width, pixels % width))
            found.softmax(dim=1).cpu()
    return (time.perf_counter() - started) / count


def scores(network: SFormer, patches: Tensor, keep: int | None = None) -> Tensor:
    """Patches (N, k, 10, 10) -> class scores (N, K)."""
    keep = network.config.keep if keep is None else keep
    x = network.embed(network.stem(patches))  # (N, 128, 5, 5)
    x = _norm(network.norm, x)
    for i, block in enumerate(network.token_blocks):
        assert isinstance(block, TokenBlock)
        if i % DEPTH == 0:
            turn = i // DEPTH
            kernel_block = network.kernel_blocks[turn % len(network.kernel_blocks)]
            assert isinstance(kernel_block, KernelBlock)
            x = _kernel_block(kernel_block, x, turn)
        x = x + _linear(block.project, _attention(block, _norm(block.norm1, x), keep))
        hidden = _conv(block.between, _linear(block.widen, _norm(block.norm2, x)))
        x = x + _linear(block.narrow, F.relu(hidden))
    return network.head(network.last_norm(x.mean((2, 3))))


def _linear(layer: nn.Linear, x: Tensor) -> Tensor:
    return F.conv2d(x, layer.weight[:, :, None, None], layer.bias)


def _conv(layer: nn.Conv2d, x: Tensor) -> Tensor:
    return F.conv2d(x, layer.weight, layer.bias, 1, layer.padding, layer.dilation, layer.groups)


def _norm(layer: nn.LayerNorm, x: Tensor) -> Tensor:
    return layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _batch_norm(norms: nn.ModuleList, x: Tensor, turn: int) -> Tensor:
    norm = norms[min(turn, len(norms) - 1)]
    return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias)


def _kernel_block(block: KernelBlock, x: Tensor, turn: int) -> Tensor:
    y = _batch_norm(block.norm1, x, turn)
    z = F.gelu(_linear(block.enter, y))
    select = block.select
    small = _conv(select.small, z)
    large = _conv(select.large, small)
    u = [_linear(n, b) for n, b in zip(select.narrow, (small, large), strict=True)]
    both = torch.cat(u, 1)  # (N, 128, 5, 5)
    mean, greatest = both.mean(1, keepdim=True), both.amax(1, keepdim=True)
    if select.places is None:
        places = torch.cat((mean, mean), 1)
    else:
        places = _linear(select.places, torch.cat((mean, greatest), 1)).sigmoid()
    squeezed = _linear(select.squeeze, both.mean((2, 3), keepdim=True))
    squeezed = F.relu(_batch_norm(select.norm, squeezed, turn))
    channels = _linear(select.excite, squeezed).reshape(len(x), 2, -1, 1, 1).softmax(1)
    mixed = sum(u[i] * channels[:, i] * places[:, i : i + 1] for i in range(2))
    y = y + _linear(block.leave, z * _linear(select.widen, mixed).sigmoid())
    x = x + block.scale1[:, None, None] * y
    y = _linear(block.widen, _batch_norm(block.norm2, x, turn))
    y = _linear(block.merge, F.gelu(_conv(block.between, y)))
    return x + block.scale2[:, None, None] * y


def _attention(block: TokenBlock, x: Tensor, keep: int) -> Tensor:
    attend, n = block.attend, len(x)
    planes = x.reshape(n, 4, 32, SIDE, SIDE)  # groups as channels, their 32 as depth
    planes = F.conv3d(planes, attend.mix[:, :, None, None, None])
    planes = F.conv3d(planes, attend.taps[:, None, None], padding=(0, 1, 1), groups=12)
    q, k, v = (
        part.reshape(n, 4, 8, 4, 25).permute(0, 2, 3, 4, 1).reshape(n, 8, 4, 100)
        for part in planes.chunk(3, dim=1)
    )
    pairs = F.normalize(q, dim=3).transpose(2, 3) @ F.normalize(k, dim=3)
    pairs = pairs * attend.tau[:, None, None]
    mask = torch.zeros_like(pairs).scatter(3, pairs.topk(keep, dim=3).indices, 1.0)
    shares = torch.where(mask > 0, pairs, torch.full_like(pairs, -torch.inf)).softmax(3)
    y = (v @ shares.transpose(2, 3)).reshape(n, 8, 4, 25, 4)
    return y.permute(0, 4, 1, 2, 3).reshape(n, 128, SIDE, SIDE)
