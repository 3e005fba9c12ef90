"""BigColor computes upstream's numbers, is seeded, and its files are read without running them."""

import itertools
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ml import records, registry, score
from ml.backends import bigcolor
from ml.backends.bigcolor import Painter, draw, draws, input_size
from ml.backends.checkpoints.bigcolor import network
from ml.compose import luma
from ml.errors import ModelUnavailable
from ml.nets.bigcolor import BigColor
from ml.spec import Settings
from tests.ml.parity_bigcolor import AVERAGED, RAW, build_bigcolor, compose_bigcolor
from tests.ml.parity_corners import bigcolor_corners, bigcolor_files
from tests.ml.parity_net import Net
from tests.ml.photos import photograph, ramp
from tests.ml.synthetic import DATA, keys
from tests.ml.test_parity_zhang import PACK, Code, pack, small


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bigcolor")
    for name, held in bigcolor_files().items():
        torch.save(held, folder / name)
    return {name: folder / name for name in (RAW, AVERAGED)}


@pack
@pytest.mark.parametrize("average", [False, True])
def test_the_network_and_the_picture_are_upstreams(files: dict[str, Path], average: bool) -> None:
    net = build_bigcolor(files, {"ema": average})
    assert isinstance(net.colorizer, Painter)
    cases = json.loads((PACK / "bigcolor" / "meta.json").read_text())["cases"]
    for case in (case for case in cases if case["ema"] == average):
        stored = np.load(PACK / "bigcolor" / case["expected"])
        photo = photograph(np.asarray(Image.open(PACK / "bigcolor" / case["input"]).convert("RGB")))
        x = bigcolor.resize(bigcolor.grey(photo), *input_size(*photo.size, case["mode"]))
        assert np.abs(x[:16, :16] - stored["x_head"]).max() < 1e-5
        y = net.colorizer.colours(photo, int(stored["c"]), stored["z"][0], case["mode"])
        off = np.abs(y * 2 - 1 - stored["y"][0].transpose(1, 2, 0))
        assert off.max() <= case["tol_y"]
        got = bigcolor.upstream(photo, y).pixels.astype(int)
        off = np.abs(got - np.asarray(Image.open(PACK / "bigcolor" / case["composed"])))
        assert off.max() <= case["tol_levels"]
        assert (off > 0).mean() <= case["tol_levels_fraction"]


@small
def test_the_network_still_computes_what_met_the_full_pack(files: dict[str, Path]) -> None:
    found, stored = bigcolor_corners(build_bigcolor(files, {"ema": True})), DATA / "bigcolor.npz"
    for name in ("corner", "statistics"):
        assert np.abs(found[name] - np.load(stored)[name]).max() <= 2.5e-4
    off = np.abs(found["composed"].astype(int) - np.load(stored)["composed"])
    assert off.max() <= 1
    assert (off > 0).mean() <= 0.01


def test_every_key_of_a_published_file_has_its_place() -> None:
    with torch.device("meta"):
        state = BigColor().state_dict()
    wanted = {key: shape for key, (shape, *_) in keys("bigcolor").items()}
    assert {key: tuple(tensor.shape) for key, tensor in state.items()} == wanted


@pack
def test_parameters_are_made_in_the_order_of_the_averaged_list() -> None:
    lines = (PACK / "bigcolor" / "keys.txt").read_text().splitlines()
    with torch.device("meta"):
        names = [name for name, _ in BigColor().named_parameters()]
    assert names == [line.split("\t")[1] for line in lines if line.startswith("ema[")]


def echo(x: np.ndarray, c: np.ndarray, z: np.ndarray) -> np.ndarray:
    """An engine that answers a colour made of class and latent, so that the pipeline alone is
    tested.
    """
    colour = np.tanh(np.array([c[0] / 1000, *z[0, :2]], np.float32))
    return np.tile(colour[:, None, None], (1, 1, *x.shape[2:]))


def painted(**settings: int) -> np.ndarray:
    return Painter(echo).colorize(photograph(ramp()), Settings(**settings)).pixels


def test_upstreams_composition_takes_the_grey_value_for_luma() -> None:
    image = Image.fromarray(np.full((40, 60), 128, np.uint8)).convert("RGB")
    c, z = torch.tensor([500]), torch.zeros(1, 119)
    got = np.asarray(compose_bigcolor(Net(Painter(echo)), image, {"mode": "square"}, c=c, z=z))
    assert luma(got) == pytest.approx(100 * 0.9999 * 128 / 255, abs=0.5)  # not 53.6, the photo's


def test_the_same_seed_gives_the_same_picture() -> None:
    assert (painted(seed=7) == painted(seed=7)).all()
    assert (painted(seed=7) != painted(seed=8)).any()


def test_a_class_can_be_chosen_without_changing_the_latent() -> None:
    label, latent = draw(7)
    assert 0 <= label < 1000
    assert (painted(seed=7, label=label) == painted(seed=7)).all()
    assert (painted(seed=7, label=999 - label) != painted(seed=7)).any()
    assert latent.std() == pytest.approx(0.8, abs=0.15)


def test_one_candidate_is_the_seeds_own_and_more_candidates_begin_with_it() -> None:
    drawn = [label for label, _ in itertools.islice(draws(7), 5)]
    assert len(set(drawn)) == 5
    assert drawn[0] == draw(7)[0]
    assert (painted(seed=7, candidates=1) == painted(seed=7)).all()
    plain = Painter(echo).paint(photograph(ramp()), *draw(7)).pixels
    assert (painted(seed=7) == plain).all()


def test_of_several_candidates_the_most_believable_is_kept() -> None:
    photo, several = photograph(ramp()), list(itertools.islice(draws(4), 5))
    painter = Painter(echo)
    seen = score.evidence(bigcolor.critic().read(photo)[1])
    colours = [painter.colours(photo, *chance, "powerof") for chance in several]
    marks = [score.score(seen, bigcolor.chroma(picture)) for picture in colours]
    best = int(np.argmax(marks))
    assert best != 0  # or the first would do as well
    result = painter.colorize(photo, Settings(seed=4, candidates=5)).pixels
    assert (result == painter.paint(photo, *several[best]).pixels).all()
    assert (result == painter.colorize(photo, Settings(seed=4, candidates=5)).pixels).all()


def test_candidates_of_a_given_class_differ_in_the_latent_alone() -> None:
    asked: list[tuple[int, float]] = []

    def listening(x: np.ndarray, c: np.ndarray, z: np.ndarray) -> np.ndarray:
        asked.append((int(c[0]), float(z[0, 0])))
        return echo(x, c, z)

    Painter(listening).colorize(photograph(ramp()), Settings(seed=7, label=151, candidates=3))
    assert [label for label, _ in asked] == [151] * 3
    assert len({latent for _, latent in asked}) == 3


def test_nothing_is_kept_at_random_where_there_is_nothing_to_choose_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bigcolor.critic.cache_clear()
    monkeypatch.setattr(records, "BUNDLE", tmp_path)
    with pytest.raises(ModelUnavailable):
        painted(seed=7, candidates=2)
    assert painted(seed=7).any()


def test_a_photo_keeps_its_luma_and_depth() -> None:
    photo = photograph(ramp(37, 53, np.uint16))
    result = Painter(echo).colorize(photo, Settings(seed=3)).pixels
    assert (result.shape, result.dtype) == ((37, 53, 3), np.uint16)
    assert np.ptp(result.astype(int), axis=-1).max() > 1000
    assert np.abs(luma(result) - luma(photo.pixels)).max() < 0.002


def test_the_networks_input_keeps_the_photos_shape_up_to_a_strip() -> None:
    assert input_size(141, 187, "powerof") == (256, 352)
    assert input_size(187, 141, "powerof") == (352, 256)
    assert input_size(500, 1, "powerof") == (1024, 256)
    assert input_size(500, 1, "square") == (256, 256)


def refused(path: Path, average: Path | None = None) -> str:
    """Why the loader refuses a file."""
    with pytest.raises(ModelUnavailable, match="BigColor is not installed") as caught:
        network([path, *([average] if average else [])], "BigColor")
    return caught.value.reason


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    torch.save({"stranger": torch.zeros(1)}, tmp_path / RAW)
    return tmp_path / RAW


def test_a_pickle_that_would_run_code_is_refused_in_either_file(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"decay": 0.9, "shadow_params": [Code()]}, AVERAGED)
    assert f"{AVERAGED}: damaged, or not only weights" in refused(raw, Path(AVERAGED))
    Path("x.ckpt").write_bytes(pickle.dumps({"E.res1.conv.weight": Code()}, protocol=2))
    assert "x.ckpt: damaged" in refused(Path("x.ckpt"))
    assert not Path("ran").exists()


def test_upstreams_pickled_settings_are_never_opened(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("args.pkl", "config.pickle"):
        Path(name).write_bytes(pickle.dumps(Code()))
    torch.save({"shadow_params": []}, AVERAGED)
    with pytest.raises(ModelUnavailable):
        registry.load("bigcolor-x", tmp_path, "cpu")
    assert not Path("ran").exists()


def test_an_averaged_list_of_another_length_is_named(raw: Path, tmp_path: Path) -> None:
    torch.save({"shadow_params": [torch.zeros(1)]}, tmp_path / AVERAGED)
    reason = refused(raw, tmp_path / AVERAGED)
    assert "holds 1 averaged weights, the network has 146" in reason
    assert "no averaged weights" in refused(raw, raw)


def test_wrong_keys_are_named(raw: Path) -> None:
    assert "has unknown stranger" in refused(raw)
    assert "misses E.res1.conv.bias" in refused(raw)


def test_a_checkpoint_that_unpacks_to_more_than_its_size_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / RAW, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", bytes(2**22))
    assert "unpacks to more than its size" in refused(tmp_path / RAW)
