"""Training steps of the bundled model with and without memory kept between them, in turns.

    python benchmarks/allocation.py [--rounds N]

Steps of the encoder as the presets have it, at the sides they train at; a fresh process for every
measurement, because what malloc was told cannot be taken back. Random luma: it does not change the
time. Prints photos per second, medians of the rounds.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

BATCH, STEPS = 24, 4
RUNS = (("lite0", 0, 96), ("lite0", 0, 160), ("lite2", 4, 128), ("lite2", 4, 192))


def measure(encoder, frozen, side, kept):
    """Photos per second of forward and backward pass: this process does nothing else."""
    if kept:
        from training import memory

        memory.keep()
    import torch

    from ml.color import ab_bins
    from ml.nets.coloria import Coloria

    net = Coloria(len(ab_bins()), encoder, frozen).to(memory_format=torch.channels_last).train()
    luma, hints = torch.rand(BATCH, 1, side, side) * 100, torch.zeros(BATCH, 3, side, side)
    seconds = []
    for _ in range(STEPS):
        started = time.perf_counter()
        net(luma, hints).log_softmax(1).mean().backward()
        seconds.append(time.perf_counter() - started)
    return BATCH / statistics.median(seconds[1:])


def main(rounds):
    sys.stdout.write("encoder frozen side   as it comes   kept   ratio\n")
    for run in RUNS:
        rates = {False: [], True: []}
        for _ in range(rounds):
            for kept, found in rates.items():
                words = [sys.executable, __file__, "--run", *map(str, run), str(int(kept))]
                told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
                found.append(float(told))
        plain, kept = (statistics.median(found) for found in rates.values())
        encoder, frozen, side = run
        sys.stdout.write(
            f"{encoder:<8}{frozen:6d}{side:5d}{plain:14.1f}{kept:7.1f}{kept / plain:8.2f}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--run", nargs=4, metavar=("ENCODER", "FROZEN", "SIDE", "KEPT"))
    given = parser.parse_args()
    if given.run:
        encoder, *numbers = given.run
        frozen, side, kept = map(int, numbers)
        sys.stdout.write(f"{measure(encoder, frozen, side, bool(kept))}\n")
    else:
        main(given.rounds)
