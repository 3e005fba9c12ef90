"""Whole photos as squares: which of them make an epoch, and of which class they are."""

import pytest
import torch

from training.data import shuffled
from training.errors import TrainingError
from training.squares import Batches, Plan, classes, labels, square


def test_the_middle_square_is_torchvisions() -> None:
    """S027, S028."""
    transforms = pytest.importorskip("torchvision.transforms", reason="torchvision is missing")
    rgb = (torch.rand(48, 72, 3) * 255).byte()
    small = transforms.Compose([transforms.Resize(24), transforms.CenterCrop(24)])
    wanted = small(rgb.permute(2, 0, 1)).permute(1, 2, 0)
    assert (torch.from_numpy(square(rgb.numpy(), 24).copy()).int() - wanted.int()).abs().max() <= 2


def test_every_photo_comes_once_an_epoch_whoever_takes_it() -> None:
    """S089, S090: two processes, three epochs, ten photos."""
    plan = Plan(photos=10, batch=4, epochs=3)
    assert plan.steps == 9
    shares = [list(Batches(plan, 0, rank, 2)) for rank in range(2)]
    numbers = sorted(n for share in shares for step in share for n in step)
    assert numbers == list(range(30))
    orders = [[shuffled(n, 10, 42) for n in range(10 * e, 10 * e + 10)] for e in range(3)]
    assert all(sorted(order) == list(range(10)) for order in orders)
    assert orders[0] != orders[1]
    assert list(Batches(plan, 5)) == list(Batches(plan, 0))[5:]


def test_a_batch_that_is_not_full_may_be_left_out() -> None:
    plan = Plan(photos=10, batch=4, epochs=2, whole=True)
    assert [len(plan.numbers(step)) for step in range(plan.steps)] == [4, 4, 4, 4]
    assert plan.numbers(2).start == 10
    assert Plan(photos=3, batch=4, epochs=1, whole=True).numbers(0) == range(3)


def test_classes_are_the_topmost_folders() -> None:
    names = ["cat/a.jpg", "dog/deep/b.jpg", "c.jpg", "cat/d.jpg"]
    assert classes(names) == ["", "cat", "dog"]
    assert classes(["a.jpg", "b.jpg"]) == [""]
    assert labels(names, classes(names), 1000) == [1, 2, 0, 1]
    assert labels(["bird/e.jpg"], classes(names), 1000) == [-1]
    with pytest.raises(TrainingError, match="3 folders"):
        labels(names, classes(names), 2)
