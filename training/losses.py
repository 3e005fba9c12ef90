"""Losses over the distribution of ab: soft encoding and class rebalancing (Zhang et al. 2016,
section 2.2), and dE00 of the colour that is made of it.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ml.backends.coloria import NATURAL
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


def delta_e00(ab: Tensor, truth: Tensor) -> Tensor:
    """CIEDE2000 of colours of one luma (Sharma, Wu, Dalal 2005), differentiable also where both are
    the same or grey: (B, 2, ...) twice to (B, ...).
    """
    tiny = 1e-6
    (a1, b1), (a2, b2) = ab.unbind(1), truth.unbind(1)
    mean = ((a1**2 + b1**2 + tiny).sqrt() + (a2**2 + b2**2 + tiny).sqrt()) / 2
    stretch = 1.5 - chroma_weight(mean) / 2
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = (a1**2 + b1**2 + tiny).sqrt(), (a2**2 + b2**2 + tiny).sqrt()
    mean = (c1 + c2) / 2
    hue = torch.atan2(b1 / c1 + b2 / c2, a1 / c1 + a2 / c2).detach().rad2deg() % 360
    turn = torch.exp(-(((hue - 275) / 25) ** 2)) * 60
    by_c = (c2 - c1) / (1 + 0.045 * mean)
    cross, dot = a1 * b2 - a2 * b1, a1 * a2 + b1 * b2
    near = cross / ((c1 * c2 + dot).clamp(min=0) / 2 + tiny).sqrt()  # 2 sqrt(c1 c2) sin(dh / 2)
    far = (2 * (c1 * c2 - dot).clamp(min=tiny)).sqrt().copysign(cross)  # the same
    by_h = torch.where(dot > 0, near, far) / (1 + 0.015 * mean * hue_weight(hue))
    rotation = -2 * chroma_weight(mean) * torch.sin(turn.deg2rad())
    return (by_c**2 + by_h**2 + rotation * by_c * by_h + tiny).clamp(min=tiny).sqrt()


def chroma_weight(chroma: Tensor) -> Tensor:
    """sqrt(C^7 / (C^7 + 25^7)), of which the formula has two."""
    return 1 / (1 + (25 / chroma) ** 7).sqrt()


def hue_weight(hue: Tensor) -> Tensor:
    """T of the formula; hue in degrees."""
    terms = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    parts = [weight * torch.cos((n * hue + add).deg2rad()) for weight, n, add in terms]
    return 1 + torch.stack(parts).sum(0)


class JudgedLoss(BinLoss):
    """The loss above and, with the weight `judge`, what photos are judged by: dE00 of the annealed
    mean, less `reward` for every unit of its colourfulness.

    Alone, dE00 is smallest where colours are faint; the reward is the Lagrange multiplier of the
    colourfulness that the results shall have. It is Hasler and Suesstrunk's measure (2003) in ab
    instead of their opponent RGB: spread and 0.3 times the mean, per photo.
    """

    bins: Tensor

    def __init__(
        self, prior: NDArray[np.float64], rebalance: float, judge: float, reward: float
    ) -> None:
        super().__init__(prior, rebalance)
        self.judge, self.reward = judge, reward
        self.register_buffer("bins", torch.from_numpy(ab_bins()))

    def forward(self, logits: Tensor, ab: Tensor) -> Tensor:
        loss = super().forward(logits, ab)
        if not self.judge:
            return loss
        share = ((logits - self.rarity.log()[:, None, None]) / NATURAL.temperature).softmax(1)
        mean = torch.einsum("bqhw,qc->bchw", share, self.bins)
        places = mean.flatten(2)
        colourful = places.var(2).sum(1).add(1e-6).sqrt() + 0.3 * places.mean(2).norm(dim=1)
        judged: Tensor = delta_e00(mean, ab).mean() - self.reward * colourful.mean()
        return loss + self.judge * judged


class TaughtLoss(nn.Module):
    """The loss `judged` times `colour` and, times `weight`, how far the encoder's top is from what
    a teacher has there: the encoder with its ImageNet weights, which sees the same photo in colour
    and unaged.

    Learning without forgetting (Li and Hoiem 2016) and more: a grey photo is to be understood as
    well as a coloured one. Per photo the divergence of the thousand classes' shares, and how much
    of the result's energy is missed.
    """

    def __init__(
        self,
        judged: JudgedLoss,
        colour: float,
        teacher: nn.Sequential,
        classifier: nn.Linear,
        weight: float,
    ) -> None:
        super().__init__()
        self.judged, self.colour, self.weight = judged, colour, weight
        self.teacher = teacher.eval().requires_grad_(False)
        self.classifier = classifier.requires_grad_(False)

    def train(self, mode: bool = True) -> "TaughtLoss":
        return self  # a teacher does not learn

    def forward(self, said: tuple[Tensor, Tensor], ab: Tensor, rgb: Tensor) -> Tensor:
        """Of logits and top against ab (B, 2, H, W) and rgb (B, 3, 4H, 4W), 0..255."""
        logits, top = said
        with torch.no_grad():
            truth = self.teacher((rgb - 127) / 128)
            shares = self.classifier(truth.mean((2, 3))).log_softmax(1)
        guess = self.classifier(top.mean((2, 3))).log_softmax(1)
        strange = F.kl_div(guess, shares, reduction="batchmean", log_target=True)
        missed = (top - truth).square().mean() / truth.square().mean()
        loss: Tensor = self.weight * (strange + missed)
        return loss + self.colour * self.judged(logits, ab) if self.colour else loss
