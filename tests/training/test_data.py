"""Any folder of photos: packed, split and cropped by seed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ml.color import ab_bins, lab_from_rgb
from training.checkpoint import note_split
from training.config import PRESETS, override
from training.data import Crops, age, mixed, order, pack, reveal, shuffled, split
from training.errors import TrainingError
from training.losses import BinLoss, bin_prior, soft_encoding

CONFIG = PRESETS["coloria"]["smoke"]


def test_damaged_and_grey_photos_are_left_out_and_listed(photos: Path, tmp_path: Path) -> None:
    """S022: a tree of folders, whatever is in it."""
    store = pack(photos, tmp_path, 96, min_chroma=2.0)
    assert {"astronaut0.jpg", "more/astronaut1.jpg"} <= set(store.names)
    (index,) = tmp_path.glob("*.json")
    assert set(json.loads(index.read_text())["skipped"]) == {"damaged.jpg", "grey.png"}
    assert len(store) == 12


def test_packed_photos_keep_their_shape(photos: Path, tmp_path: Path) -> None:
    store = pack(photos, tmp_path, 96, min_chroma=2.0)
    assert {min(store.photo(index).shape[:2]) for index in range(len(store))} == {96}


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no photos below"):
        pack(tmp_path, tmp_path, 96, 2.0)


def test_a_folder_without_any_colour_is_named(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    Image.new("L", (64, 64), 90).save(tmp_path / "photos/grey.png")
    for _ in range(2):  # at once, and from the index
        with pytest.raises(TrainingError, match=r"none of the 1 photos .*\.json says why"):
            pack(tmp_path / "photos", tmp_path / "cache", 64, 2.0)


def test_a_run_goes_on_with_the_photos_that_it_began_with(tmp_path: Path) -> None:
    note_split(tmp_path, {"valid": ["a.jpg"]}, resumed=False)
    note_split(tmp_path, {"valid": ["a.jpg"]}, resumed=True)
    with pytest.raises(TrainingError, match="other photos would be held out"):
        note_split(tmp_path, {"valid": ["b.jpg"]}, resumed=True)
    assert json.loads((tmp_path / "split.json").read_text()) == {"valid": ["a.jpg"]}


def test_the_split_is_seeded_and_disjoint() -> None:
    train, valid = split(100, 10, 0.5, seed=7)
    assert split(100, 10, 0.5, seed=7) == (train, valid)
    assert (len(train), len(valid)) == (45, 10)
    assert not set(train) & set(valid)
    assert set(split(100, 10, 1.0, 7, {3, 5})[1]) > {3, 5}
    assert set(split(100, 10, 1.0, 7, range(20, 60))[1]) < set(range(20, 60))


def test_a_sample_depends_on_its_number_alone(photos: Path, tmp_path: Path) -> None:
    store = pack(photos, tmp_path, 96, 2.0)
    first, second = (Crops(store, list(range(10)), CONFIG) for _ in range(2))
    first[3]  # an earlier draw must not matter
    for one, other in zip(first[25], second[25], strict=True):
        assert torch.equal(one, other)


def test_an_epochs_order_is_drawn_once_and_is_that_of_its_seed() -> None:
    for seed, epoch in ((42, 0), (42, 1), (7, 0)):
        drawn = np.random.default_rng([seed, epoch]).permutation(10)
        assert [shuffled(10 * epoch + place, 10, seed) for place in range(10)] == drawn.tolist()
    assert order(10, 0, 7) is order(10, 0, 7)
    with pytest.raises(ValueError, match="read-only"):
        order(10, 0, 7)[0] = 1


def test_the_crop_grows_with_the_schedule(photos: Path, tmp_path: Path) -> None:
    store = pack(photos, tmp_path, 96, 2.0)
    crops = Crops(store, list(range(10)), replace(CONFIG, sizes=((0, 32), (5, 64))))
    assert crops[4 * CONFIG.batch][0].shape == (1, 32, 32)
    assert crops[5 * CONFIG.batch][2].shape == (2, 16, 16)


def test_a_teacher_sees_in_colour_what_a_sample_shows_aged(photos: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, taught=1.0, degrade=0.0)
    luma, _, _, rgb = Crops(pack(photos, tmp_path, 96, 2.0), list(range(10)), config)[3]
    lab = lab_from_rgb(rgb.permute(1, 2, 0).numpy().astype(np.uint8))
    assert np.abs(lab[..., 0] - luma[0].numpy()).max() < 0.01
    assert np.abs(lab[..., 1:]).max() > 5


def test_ageing_stays_within_black_and_white() -> None:
    for seed in range(50):
        aged = age(
            np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64),
            np.random.default_rng(seed),
        )
        assert aged.shape == (64, 64)
        assert 0 <= aged.min() < aged.max() <= 1


def test_hints_show_the_true_colour() -> None:
    ab = np.full((32, 32, 2), (22.0, -11.0), np.float32)
    hints = reveal(ab, 5, np.random.default_rng(0))
    shown = hints[2] == 1
    assert 5 <= shown.sum() <= 5 * 81
    assert np.allclose(hints[0][shown], 0.2)
    assert (hints[:, ~shown] == 0).all()


def test_soft_encoding_gives_back_the_colour() -> None:
    nearest, weight = soft_encoding()
    ab = np.array([[33, -17], [0, 0], [4, 58]])
    rows = (ab[:, 0] + 110) * 221 + ab[:, 1] + 110
    mean = (ab_bins()[nearest[rows]] * weight[rows][..., None]).sum(1)
    assert np.abs(mean - ab).max() < 3


def test_rare_colours_weigh_more(photos: Path, tmp_path: Path) -> None:
    store = pack(photos, tmp_path, 96, 2.0)
    prior = bin_prior(store, list(range(10)))
    assert prior.sum() == pytest.approx(1)
    loss = BinLoss(prior, rebalance=1.0)
    assert loss.rarity[prior.argmin()] > 5 * loss.rarity[prior.argmax()]
    assert (BinLoss(prior, rebalance=0.0).rarity == 1).all()


def test_the_loss_is_least_for_the_truth() -> None:
    loss = BinLoss(np.full(len(ab_bins()), 1 / len(ab_bins())), 0.0)
    ab = torch.tensor(ab_bins()[40]).reshape(1, 2, 1, 1).expand(1, 2, 4, 4)
    right, wrong = torch.zeros(2, 1, len(ab_bins()), 4, 4)
    right[:, 40], wrong[:, 200] = 9.0, 9.0
    assert loss(right, ab) < loss(wrong, ab) / 2


def test_overrides_are_read_as_their_type() -> None:
    config = override(
        CONFIG, ["steps=9", "sizes=0:32,4:64", "pretrained=false", "crop_scale=0.5,0.9"]
    )
    assert (config.steps, config.sizes, config.pretrained) == (9, ((0, 32), (4, 64)), False)


@pytest.mark.parametrize(
    "wrong", ["stepz=9", "steps=many", "pretrained=perhaps", "steps", "mix=face_*"]
)
def test_a_mistyped_override_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"stepz|steps|pretrained|mix"):
        override(CONFIG, [wrong])


def test_colours_of_photos_fall_into_bins(photos: Path, tmp_path: Path) -> None:
    store = pack(photos, tmp_path, 96, 2.0)
    ab = lab_from_rgb(store.photo(0))[..., 1:]
    assert np.abs(ab).max() <= 110


def test_a_mix_shows_photos_as_often_as_their_names_say() -> None:
    names = [f"{kind}_{number}.jpg" for kind in ("bsd", "face", "sea") for number in range(400)]
    chosen = mixed(list(range(1200)), names, ("bsd_*=2.5", "face_*=0.25", "*_7.jpg=0"), seed=1)
    counts = np.bincount(chosen, minlength=1200).reshape(3, 400)
    assert set(counts[0]) == {2, 3}
    assert 70 < counts[1].sum() < 130
    assert counts[2].sum() == 399  # the first pattern that fits decides
    assert chosen == mixed(list(range(1200)), names, ("bsd_*=2.5", "face_*=0.25", "*_7.jpg=0"), 1)
    assert mixed([3, 5], names, (), seed=1) == [3, 5]
