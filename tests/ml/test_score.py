"""Of several colourings the most believable is kept, and grey is no refuge."""

import numpy as np
import pytest
from skimage import data

from ml import registry, score
from ml.backends.coloria import Coloria
from ml.color import Array, ab_bins, lab_from_rgb
from tests.ml.photos import photograph


@pytest.fixture(scope="module")
def model() -> Coloria:
    return registry.load("coloria")


def turned(ab: Array, degrees: float) -> Array:
    """Other hues of the same chroma."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.asarray(ab @ np.array([[cos, sin], [-sin, cos]]), np.float32)


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_the_truth_is_more_believable_than_other_hues_and_than_grey(
    model: Coloria, name: str
) -> None:
    rgb = getattr(data, name)()
    truth = lab_from_rgb(rgb)[..., 1:]
    _, logits = model.read(photograph(rgb))
    others = [turned(truth, degrees) for degrees in (90, 180, 270)]
    assert score.best(logits, [*others, truth, 0 * truth]) == 3


def certain(ab: Array) -> Array:
    """Logits (Q, 4, 4) of a photo that has the colour `ab` everywhere."""
    squared = ((ab_bins() - ab) ** 2).sum(-1).astype(np.float32)
    return np.repeat(-squared / 50, 16).reshape(-1, 4, 4)


def test_the_best_of_several_has_the_highest_score() -> None:
    random = np.random.default_rng(5)
    logits = certain(np.array([30, 20], np.float32))
    several = [random.normal((30, 20), 30, (9, 7, 2)).astype(np.float32) for _ in range(5)]
    marks = [score.score(score.evidence(logits), ab) for ab in several]
    assert len(set(marks)) == 5
    assert marks[score.best(logits, several)] == max(marks)


def test_where_a_colour_is_expected_it_is_better_than_its_neighbours_and_than_grey() -> None:
    logits = certain(np.array([40, 30], np.float32))
    several = [
        np.full((8, 8, 2), ab, np.float32) for ab in ((0, 0), (40, 30), (-40, 30), (40, -30))
    ]
    assert score.best(logits, several) == 1


def test_of_equals_the_first_is_kept() -> None:
    ab = np.zeros((6, 6, 2), np.float32)
    assert score.best(certain(np.zeros(2, np.float32)), [ab, ab, ab]) == 0


def test_common_colours_are_no_news() -> None:
    """Where the photo says nothing, no colour is far better than another."""
    common = score.commonness()
    seen = score.evidence(np.zeros((len(ab_bins()), 2, 2), np.float32))
    grey = np.argmin((ab_bins() ** 2).sum(-1))
    assert common[grey] == pytest.approx(common.max(), abs=0.1)
    assert seen[grey, 0, 0] < seen.mean()
