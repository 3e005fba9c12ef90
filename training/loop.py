"""The loop of networks that are taught by one loss: steps, EMA, checkpoints, TensorBoard."""

import contextlib
import copy
import dataclasses
import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader
from tqdm import tqdm

from training import checkpoint, sheet
from training.board import SummaryWriter
from training.coloria_config import ColoriaConfig
from training.data import Crops, Pixels, Steps
from training.errors import NonFiniteLoss, TrainingError

logger = logging.getLogger(__name__)


def pick(device: str) -> str:
    """The device that `auto` stands for: a GPU where there is one. Raises TrainingError."""
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError("there is no GPU that torch can use; --device cpu trains without")
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def place() -> tuple[int, int]:
    """Number of this process and how many `torchrun` started; (0, 1) without it."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def alone(recipe: str) -> None:
    """Raises TrainingError where `torchrun` started several processes for a recipe of one."""
    if place()[1] > 1:
        raise TrainingError(f"{recipe} learns in one process; start it without torchrun")


@contextlib.contextmanager
def processes(device: str) -> Iterator[None]:
    """Join the processes that `torchrun` started, each on its own GPU (S088)."""
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    if place()[1] == 1:
        yield
        return
    distributed.init_process_group("gloo" if device == "cpu" else "nccl")
    try:
        yield
    finally:
        distributed.destroy_process_group()


@contextlib.contextmanager
def first_process_first() -> Iterator[None]:
    """The first process does the work; the others wait and then find it done."""
    rank, world = place()
    if world > 1 and rank > 0:
        distributed.barrier()
    yield
    if world > 1 and rank == 0:
        distributed.barrier()


def rate(step: int, config: ColoriaConfig) -> float:
    """Share of the learning rate at `step`: linear warm-up, constant, linear decay to zero."""
    falling = max(1.0, config.decay * config.steps)
    return min(1.0, (step + 1) / max(1, config.warmup), (config.steps - step) / falling)


@torch.no_grad()
def update_ema(ema: nn.Module, net: nn.Module, step: int, decay: float) -> None:
    """Exponential moving average of weights and batch-norm statistics, faster at the start."""
    decay = min(decay, (1 + step) / (10 + step))
    for mean, value in zip(ema.state_dict().values(), net.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


Look = Callable[[nn.Module], tuple[dict[str, float], Pixels]]


def show(
    looks: dict[str, Look], nets: dict[str, nn.Module], out: Path, board: SummaryWriter, step: int
) -> dict[str, float]:
    """Scalars and sample sheets of every part of the photos by every network; the figures of
    `valid_ema`.
    """
    told = {}
    for part, look in looks.items():
        for ending, net in nets.items():
            tag = part + ending
            told[tag], picture = look(net)
            for name, figure in told[tag].items():
                board.add_scalar(f"{tag}/{name}", figure, step)
            kept = sheet.keep(picture, out / "samples" / f"{tag}_{step:07d}.png")
            board.add_image(tag, kept, step)
    said = ", ".join(f"{name} {figure:.3f}" for name, figure in told["valid_ema"].items())
    logger.info("step %d: %s", step, said)
    return told["valid_ema"]


def train(
    net: nn.Module,
    loss: nn.Module,
    groups: list[dict[str, Any]],
    crops: Crops,
    looks: dict[str, Look],
    config: ColoriaConfig,
    out: Path,
    resume: bool,
    device: str,
    record: dict[str, Any],
) -> nn.Module:
    """Run `config.steps` steps and return the EMA network.

    `groups` are AdamW parameter groups with their full rate as `lr`. `looks` return scalars (with
    `de00`) and a sheet for photos of `train` and `valid`. Checkpoints go to `out/last.pt`, the best
    EMA by dE00 to `out/best.pt`, that of every `keep_every` steps to `out/ema_STEP.pt`. Under
    `torchrun` every process takes its share of each batch and the first one keeps the books. Raises
    NonFiniteLoss.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    rank, world = place()
    first = rank == 0
    loss = loss.to(device)
    net = net.to(device).to(memory_format=torch.channels_last)
    ema = copy.deepcopy(net).eval().requires_grad_(False)
    optimiser = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
    step, best, seconds = 0, math.inf, 0.0
    last = out / "last.pt"
    if resume and last.exists():
        state = checkpoint.load(last)
        net.load_state_dict(state["net"])
        ema.load_state_dict(state["ema"])
        optimiser.load_state_dict(state["optimiser"])
        for group in optimiser.param_groups:  # may have been changed since, as the rates (S099)
            group["weight_decay"] = config.weight_decay
        step, best, seconds = state["step"], state["best"], state["seconds"]
        logger.info("resumed at step %d from %s", step, last)

    def keep(path: Path, state: dict[str, Any]) -> None:
        figures = {
            "step": step,
            "best_de00": best if math.isfinite(best) else None,
            "seconds": round(seconds),
        }
        checkpoint.save(path, state, {**record, **figures, "config": dataclasses.asdict(config)})

    shared: nn.Module = net
    if world > 1:
        shared = DistributedDataParallel(net, find_unused_parameters=config.colour == 0)
    loader = DataLoader(
        crops, batch_sampler=Steps(step, config, rank, world), num_workers=config.workers,
        prefetch_factor=4 if config.workers else None,
    )  # fmt: skip
    full_rates = [group["lr"] for group in groups]
    started, mean = time.monotonic() - seconds, math.nan
    bar = tqdm(total=config.steps, initial=step, unit="step", disable=not first)
    folder = out / "tensorboard" / (f"process{rank}" if rank else "")
    with SummaryWriter(str(folder), purge_step=step + 1) as board, bar:
        for luma, hints, *truth in loader:
            share = rate(step, config)
            for group, full in zip(optimiser.param_groups, full_rates, strict=True):
                group["lr"] = full * share
            shared.train()
            said = shared(luma.to(device), hints.to(device))
            value = loss(said, *(part.to(device) for part in truth))
            if not torch.isfinite(value):
                raise NonFiniteLoss(
                    f"loss is {value.item()} at step {step}; the last good checkpoint is {last}"
                )
            optimiser.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(net.parameters(), config.clip)
            optimiser.step()
            step += 1
            if not first:
                continue
            update_ema(ema, net, step, config.ema)
            seconds = time.monotonic() - started
            mean = value.item() if math.isnan(mean) else 0.98 * mean + 0.02 * value.item()
            bar.update()
            bar.set_postfix(loss=f"{mean:.3f}", best=f"{best:.2f}")
            board.add_scalar("loss", value.item(), step)
            board.add_scalar("rate", share, step)
            if step % config.validate_every == 0 or step == config.steps:
                figures = show(looks, {"": net.eval(), "_ema": ema}, out, board, step)
                if figures["de00"] < best:
                    best = figures["de00"]
                    keep(out / "best.pt", {"ema": ema.state_dict(), "step": step})
            if config.keep_every and step % config.keep_every == 0:
                keep(out / f"ema_{step:07d}.pt", {"ema": ema.state_dict(), "step": step})
            if step % config.checkpoint_every == 0 or step == config.steps:
                checkpoint.require_finite(net.parameters(), step, last)
                board.flush()  # what a resumed run does not repeat must be on disk
                state = {
                    "net": net.state_dict(),
                    "ema": ema.state_dict(),
                    "optimiser": optimiser.state_dict(),
                }
                keep(last, {**state, "step": step, "best": best, "seconds": seconds})
    return ema
