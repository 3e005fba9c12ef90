"""The loss that knows what a photo is judged by."""

import numpy as np
import pytest
import torch

from ml.color import ab_bins
from ml.color import delta_e00 as reference
from ml.nets.coloria import Coloria, load_encoder
from training.coloria_config import ColoriaConfig
from training.errors import TrainingError
from training.losses import JudgedLoss, delta_e00
from training.recipes.coloria import encoder_weights, taught

BINS = torch.from_numpy(ab_bins())


def test_its_distance_is_that_of_the_evaluation() -> None:
    rng = np.random.default_rng(0)
    ab, truth = rng.normal(0, 30, (2, 500, 2)).astype(np.float32)
    truth[:100] = ab[:100] + rng.normal(0, 3, (100, 2))
    luma = np.full((500, 1), 50, np.float32)
    expected = reference(np.hstack([luma, ab]), np.hstack([luma, truth]))
    found = delta_e00(torch.from_numpy(ab)[..., None], torch.from_numpy(truth)[..., None])
    assert np.allclose(found[:, 0].numpy(), expected, atol=0.02)


def test_it_has_a_slope_where_both_are_grey_the_same_or_opposite() -> None:
    ab = torch.tensor([[0.0, 0], [9, 5], [30, 0], [0, 0]], requires_grad=True)
    truth = torch.tensor([[0.0, 0], [9, 5], [-30, 0], [20, 0]])
    delta_e00(ab, truth).sum().backward()
    assert ab.grad is not None
    assert ab.grad.isfinite().all()
    assert ab.grad[3, 0] < 0  # towards the truth


def learnt(judge: float, reward: float) -> float:
    """a of a place that is red in two photos of five and grey in the others, beside grey ones."""
    loss = JudgedLoss(np.full(len(BINS), 1 / len(BINS)), 0.0, judge, reward)
    truth = torch.zeros(5, 2, 1, 4)
    truth[:2, 0, 0, 0] = 40
    logits = torch.zeros(1, len(BINS), 1, 4, requires_grad=True)
    optimiser = torch.optim.Adam([logits], 0.1)
    for _ in range(150):
        optimiser.zero_grad()
        loss(logits.expand(5, -1, -1, -1), truth).backward()
        optimiser.step()
    return float((logits.detach()[0, :, 0, 0] / 0.6).softmax(0) @ BINS[:, 0])


def test_a_judge_dampens_a_guess_and_a_reward_makes_it_bolder() -> None:
    """Grey is nearer to most of the truth than the mean is; colour has its price."""
    guess, judged, rewarded = (learnt(*pair) for pair in ((0, 0), (3, 0), (3, 0.3)))
    assert judged < guess - 1
    assert judged + 1 < rewarded


@pytest.mark.parametrize("judge", [0.0, 0.5])
def test_the_truth_costs_less_than_another_colour(judge: float) -> None:
    loss = JudgedLoss(np.full(len(BINS), 1 / len(BINS)), 0.25, judge, 0.1)
    truth = torch.tensor([30.0, 20]).reshape(1, 2, 1, 1).expand(1, 2, 4, 4)
    right, wrong = torch.zeros(2, 1, len(BINS), 4, 4)
    right[:, int(((BINS - torch.tensor([30.0, 20])) ** 2).sum(1).argmin())] = 8
    wrong[:, int(((BINS + torch.tensor([30.0, 20])) ** 2).sum(1).argmin())] = 8
    assert loss(right, truth) < loss(wrong, truth)


def test_a_teacher_has_nothing_to_say_about_a_grey_photo() -> None:
    """An encoder that begins with the teacher's weights sees what it sees, but for colour."""
    judged = JudgedLoss(np.full(len(BINS), 1 / len(BINS)), 0.25, 0.0, 0.1)
    with pytest.raises(TrainingError, match="top=true"):
        taught(judged, ColoriaConfig(taught=1.0))
    loss = taught(judged, ColoriaConfig(taught=1.0, colour=0.0, top=True))
    net = Coloria(len(BINS), top=True)
    load_encoder(net, encoder_weights("lite0"))
    net.shows_top = True
    grey = torch.randint(0, 256, (2, 1, 64, 64)).expand(-1, 3, -1, -1).float()
    colourful = grey * torch.tensor([1.0, 0.5, 0.2])[:, None, None]
    ab = torch.zeros(2, 2, 16, 16)
    said = net.train()(grey[:, :1] / 2.55, torch.zeros(2, 3, 64, 64))
    assert loss(said, ab, grey) < 1e-4 < 0.1 < loss(said, ab, colourful)
    loss(said, ab, colourful).backward()
    assert all(part.grad is None for part in loss.parameters())
    assert net.top is not None
    assert net.top[0].weight.grad.abs().sum() > 0
