"""The recipes' input pipelines beside a loader that costs nothing: steps with photos and steps with
the same batch again and again, in turns; medians, and what share of the free rate is left.

    python benchmarks/loading.py --data DIR [--pipelines coloria ...] [--threads N] [--workers N]

The networks are the real ones; batches are small enough for a laptop. Without workers (the default)
one core does everything: nothing hides the loading, and processor time is counted, which other work
on the machine hardly disturbs. With workers it is the clock's time, on a quiet machine.

Each pipeline runs in a process of its own, because Keras and torch's compiler cannot share one.
"""

import argparse
import copy
import itertools
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from training.config import PRESETS
from training.data import pack, split

CACHE = Path("var", "benchmarks", "loading")
BAR = 0.95
BATCH = {"coloria": 24, "nogan": 4, "cnn": 4, "bigcolor": 2}
STEPS = {"coloria": 4, "nogan": 2, "cnn": 2, "bigcolor": 1}  # of one turn
AHEAD = 6  # steps before a turn, in which workers get as far ahead as they will
MADE = 8  # batches that are made without a network
ENDLESS = 1_000_000  # steps or epochs: the clock ends the run


def store_of(data, config, side):
    store = pack(data, CACHE, side, config.min_chroma)
    return store, split(len(store), 0, 1.0, config.seed)[0]


def loaded(samples, batches, workers):
    from torch.utils.data import DataLoader

    ahead = 4 if workers else None
    return iter(
        DataLoader(samples, batch_sampler=batches, num_workers=workers, prefetch_factor=ahead)
    )


def coloria(data, batch):
    import torch

    from ml.color import ab_bins
    from ml.nets.coloria import Coloria
    from training.data import Crops, Steps
    from training.loop import update_ema
    from training.losses import BinLoss, bin_prior

    config = replace(PRESETS["coloria"]["laptop"], batch=batch, steps=ENDLESS)
    store, photos = store_of(data, config, config.store_side)
    net = Coloria(len(ab_bins())).to(memory_format=torch.channels_last)
    ema = copy.deepcopy(net)
    loss = BinLoss(bin_prior(store, photos), config.rebalance)
    optimiser = torch.optim.AdamW(net.parameters(), config.lr)

    def step(luma, hints, ab):
        optimiser.zero_grad()
        value = loss(net(luma, hints), ab)
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), config.clip)
        optimiser.step()
        update_ema(ema, net, ENDLESS, config.ema)
        return value.item()

    return lambda workers: loaded(Crops(store, photos, config), Steps(0, config), workers), step


def nogan(data, batch):
    """Artistic's first stage, 64 px: the one that asks for photos fastest."""
    import torch

    from training.nogan import generator
    from training.nogan.features import FeatureLoss
    from training.nogan.pairs import Batches, Changes, Pairs

    config = PRESETS["artistic"]["report"]
    store, photos = store_of(data, config, config.store_side)
    net, loss = generator.trainable("artistic", "random"), FeatureLoss("random", (20.0, 70.0, 10.0))
    optimiser = torch.optim.Adam(net.parameters(), 1e-4)
    changes = Changes(config.zoom, config.lighting, config.warp, config.rotate)

    def step(grey, colour):
        optimiser.zero_grad()
        value = loss(net(grey), colour)
        value.backward()
        optimiser.step()
        return value.item()

    pairs = Pairs(store, photos, config.stages[0].size, changes, (config.seed,))
    return lambda workers: loaded(pairs, Batches(ENDLESS, batch), workers), step


def cnn(data, batch):
    from training import unet
    from training.recipes.cnn import Pairs, Plan, batches

    config = replace(PRESETS["cnn"]["report"], batch=batch)
    unet.settle(config.seed, THREADS)
    store, photos = store_of(data, config, config.size)
    pairs, plan = Pairs(store, photos, config.size), Plan(len(photos), batch, ENDLESS)
    learner = unet.Learner(config.size, config.dropout, config.lr)
    return lambda workers: batches(pairs, plan, 0, replace(config, workers=workers)), learner.step


def bigcolor(data, batch):
    from training.gan import Game
    from training.squares import Batches, Plan, Squares

    config = replace(
        PRESETS["bigcolor"]["report"], no_pretrained_g=True, no_pretrained_d=True,
        perceptual="random", weight_init="N02", size_batch=batch,
    )  # fmt: skip
    store, photos = store_of(data, config, config.side)
    latent = (config.dim_z, config.deviation)
    squares = Squares(store, photos, [0] * len(store), config.side, latent, config.seed)
    game, plan = Game(config, "cpu", 1), Plan(len(photos), batch, ENDLESS, whole=True)
    return lambda workers: loaded(squares, Batches(plan, 0), workers), game.step


def timed(clock, batches, step, count):
    """Seconds per step."""
    started = clock()
    for batch in itertools.islice(batches, count):
        step(*batch)
    return (clock() - started) / count


def compare(name, data, workers, rounds):
    """Seconds per step with photos and without, seconds to make a batch; all medians."""
    batches, step = globals()[name](data, BATCH[name])
    clock = time.perf_counter if workers else time.process_time
    photos = batches(0)
    same = next(photos)
    made = [timed(clock, photos, lambda *batch: None, 1) for _ in range(MADE)]
    step(*same)
    real, free = [], []
    for _ in range(rounds):
        photos = batches(workers)
        for batch in itertools.islice(photos, AHEAD if workers else 0):
            step(*batch)
        real.append(timed(clock, photos, step, STEPS[name]))
        free.append(timed(clock, itertools.repeat(same), step, STEPS[name]))
    return statistics.median(real), statistics.median(free), statistics.median(made)


def main(name, data, workers, rounds):
    real, free, made = (1000 * t for t in compare(name, data, workers, rounds))
    said = "" if free / real >= BAR else f"  below {BAR:.0%}"
    sys.stdout.write(
        f"{name:<10}{BATCH[name]:6d}{real:16.0f}{free:14.0f}{free / real:8.1%}{made:21.1f}{said}\n"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR")
    parser.add_argument("--pipelines", nargs="+", choices=list(BATCH), default=list(BATCH))
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of the network")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="that load")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    THREADS = chosen.threads
    if chosen.data is None:
        sys.stdout.write("left out: needs --data DIR\n")
        sys.exit()
    if chosen.alone:
        import torch

        torch.set_num_threads(THREADS)
        main(chosen.pipelines[0], chosen.data, chosen.workers, chosen.rounds)
        sys.exit()
    sys.stdout.write(
        f"{chosen.threads} thread(s), {chosen.workers} worker(s)\n"
        f"pipeline   batch  photos ms/step  free ms/step   share  ms to make a batch\n"
    )
    sys.stdout.flush()
    numbers = ("--threads", str(THREADS), "--workers", str(chosen.workers))
    for name in chosen.pipelines:
        subprocess.run(
            [
                sys.executable, __file__, "--alone", "--data", str(chosen.data), *numbers,
                "--rounds", str(chosen.rounds), "--pipelines", name,
            ],
            check=True,
        )  # fmt: skip
