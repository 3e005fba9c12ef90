"""Losses over the distribution of ab: soft encoding and class rebalancing (Zhang et al. 2016,
section 2.2).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ml.color import ab_bins, lab_from_rgb
from training.data import PhotoStore, shrink

REACH = 110  # the table covers a and b from -110 to 110 in steps of one unit
NEIGHBOURS, SIGMA = 5, 5.0  # of Zhang's soft encoding


def soft_encoding() -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For every whole ab: its five nearest bins and their Gaussian weights, (221 * 221, 5) each."""
    grid = np.arange(-REACH, REACH + 1, dtype=np.float32)
    points = np.stack(np.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 1, 2)
    distance = ((points - ab_bins()[None]) ** 2).sum(-1)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :NEIGHBOURS]
    squared = np.take_along_axis(distance, nearest, 1)
    weight = np.exp(-(squared - squared[:, :1]) / (2 * SIGMA**2))
    return nearest, (weight / weight.sum(1, keepdims=True)).astype(np.float32)


def bin_prior(store: PhotoStore, photos: list[int], sample: int = 2000) -> NDArray[np.float64]:
    """Share of each ab bin (Q,) over evenly chosen training photos, smoothed over neighbouring
    bins.
    """
    nearest, weight = soft_encoding()
    counts = np.zeros(len(ab_bins()))
    for index in photos[:: max(1, len(photos) // sample)]:
        ab = shrink(lab_from_rgb(store.photo(index)[::2, ::2])[..., 1:], 2).reshape(2, -1)
        rows = table_rows(torch.from_numpy(ab)[None]).numpy().ravel()
        np.add.at(counts, nearest[rows], weight[rows])
    return np.asarray(counts / counts.sum())


def table_rows(ab: Tensor) -> Tensor:
    """Row numbers of the encoding table: (B, 2, ...) to (B, ...)."""
    whole = ab.round().clamp(-REACH, REACH).long() + REACH
    return whole[:, 0] * (2 * REACH + 1) + whole[:, 1]


class BinLoss(nn.Module):
    """Cross-entropy against the soft-encoded truth, each place weighted by the rarity of its
    colour.

    Zhang's weights 1 / ((1 - lambda) p + lambda / Q) with lambda = 1/2, raised to `rebalance` and
    scaled to mean one.
    """

    nearest: Tensor
    weight: Tensor
    rarity: Tensor

    def __init__(self, prior: NDArray[np.float64], rebalance: float) -> None:
        super().__init__()
        nearest, weight = soft_encoding()
        rarity = (1 / (0.5 * prior + 0.5 / len(prior))) ** rebalance
        rarity /= (rarity * prior).sum()
        self.register_buffer("nearest", torch.from_numpy(nearest))
        self.register_buffer("weight", torch.from_numpy(weight))
        self.register_buffer("rarity", torch.from_numpy(rarity.astype(np.float32)))

    def forward(self, logits: Tensor, ab: Tensor) -> Tensor:
        """Mean over places of logits (B, Q, H, W) against ab (B, 2, H, W)."""
        rows = table_rows(ab)
        bins = self.nearest[rows].permute(0, 3, 1, 2)  # (B, 5, H, W)
        soft = self.weight[rows].permute(0, 3, 1, 2)
        entropy = -(F.log_softmax(logits, 1).gather(1, bins) * soft).sum(1)
        return (entropy * self.rarity[bins[:, 0]]).mean()
