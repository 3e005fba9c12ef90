"""BigColor's game: networks, optimisers, averages, and one step of each (S069-S087)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR

from training import checkpoint, perceptual
from training.biggan import Discriminator, Normalised, generator, initialise, pretrained
from training.config import BigColorConfig
from training.errors import TrainingError

GREY = (0.2989, 0.587, 0.114)  # torchvision's weights of red, green and blue


def grey(x: Tensor) -> Tensor:
    """(B, 3, H, W) to (B, 1, H, W)."""
    return (x * x.new_tensor(GREY)[:, None, None]).sum(1, keepdim=True)


def enhance(x: Tensor, factor: float) -> Tensor:
    """Photos, 0..1, with `factor` times their colour (S080)."""
    return (grey(x) * (1 - factor) + x * factor).clamp(0, 1)


def hinge(real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's loss: mean of the halves."""
    return (F.relu(1 - real).mean() + F.relu(1 + fake).mean()) / 2


def share(epoch: int, config: BigColorConfig) -> float:
    """Part of the learning rates in `epoch` (S072)."""
    if not config.use_schedule:
        return 1.0
    if config.schedule_type == "mult":
        return config.schedule_decay**epoch
    return (config.num_epoch - epoch) / config.num_epoch


class Game:
    """Generator (`net`) against discriminator (`critic`). Every process of `world` holds one."""

    def __init__(self, config: BigColorConfig, device: str, world: int) -> None:
        if config.schedule_type not in ("mult", "linear"):
            raise TrainingError(f"schedule_type={config.schedule_type}: it is mult or linear")
        self.config, self.device = config, torch.device(device)
        self.net, idle = generator(config.finetune_g)
        self.critic = Discriminator(config.width_d)
        self.begin(idle)
        self.painter = Normalised(self.net, idle).to(self.device)
        self.judge = Normalised(self.critic).to(self.device)
        self.features: nn.Module | None = None
        if config.loss_lpips and config.perceptual != "none":
            layers = config.vgg_target_layers
            self.features = perceptual.build(config.perceptual, config.path_vgg, layers)
            self.features.to(self.device)
        self.optimise()
        self.average = {name: value.detach().clone() for name, value in self.learning()}
        self.updates = 0
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.half)
        self.paint: nn.Module = self.painter
        self.rate: nn.Module = self.judge
        if world > 1:  # S086
            self.paint = DistributedDataParallel(self.painter)
            # u0 depends on the weights alone, which all processes share.
            self.rate = DistributedDataParallel(self.judge, broadcast_buffers=False)

    @property
    def half(self) -> bool:
        return self.config.amp and self.device.type == "cuda"

    def begin(self, idle: tuple[str, ...]) -> None:
        """First weights, then published ones where wanted."""
        initialise(self.net, self.config.weight_init, idle)
        initialise(self.critic, self.config.weight_init)
        if not self.config.no_pretrained_g:
            pretrained(self.net.G, self.config.path_ckpt_g, "no_pretrained_g")
        if not self.config.no_pretrained_d:
            pretrained(self.critic, self.config.path_ckpt_d, "no_pretrained_d")

    def optimise(self) -> None:
        config = self.config
        learning = [value for _, value in self.learning()]  # S071
        self.optimiser_g = Adam(learning, lr=config.lr, betas=(config.b1, config.b2))
        betas = (config.b1_d, config.b2_d)
        self.optimiser_d = Adam(self.critic.parameters(), lr=config.lr_d, betas=betas)
        self.schedules = [
            LambdaLR(optimiser, lambda epoch: share(epoch, config))
            for optimiser in (self.optimiser_g, self.optimiser_d)
        ]

    def learning(self) -> Iterator[tuple[str, nn.Parameter]]:
        for name, value in self.net.named_parameters():
            if value.requires_grad:
                yield name, value

    def train(self) -> None:
        self.painter.train()
        self.judge.train()
        if not self.config.finetune_g:
            self.net.G.eval()  # its statistics stay too

    def step(self, x: Tensor, c: Tensor, z: Tensor) -> dict[str, Tensor]:
        """Discriminator first, then the generator, on the same fakes (S091). x: (B, 3, H, W), 0..1;
        c: (B,); z: (B, n). Returns the losses.
        """
        self.train()
        with torch.autocast(self.device.type, enabled=self.half):
            fake = self.paint(grey(x), c, z)
            losses = {"loss_d": self.doubt(x, c, fake.detach())}
        if self.config.finetune_d:
            self.turn(self.optimiser_d, losses["loss_d"])
        with torch.autocast(self.device.type, enabled=self.half):
            parts = self.complaints(x, c, fake)
        total = torch.stack(list(parts.values())).sum()
        self.turn(self.optimiser_g, total)
        self.update_average()
        return {**losses, **parts, "loss": total}

    def doubt(self, x: Tensor, c: Tensor, fake: Tensor) -> Tensor:
        real = enhance(x, self.config.coef_enhance) if self.config.use_enhance else x
        both = torch.cat([real * 2 - 1, fake.to(real.dtype)])
        rated = self.rate(both, torch.cat([c, c])).float()
        return hinge(*rated.chunk(2))

    def complaints(self, x: Tensor, c: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """The generator's losses, weighted (S075)."""
        config, parts = self.config, {}
        if config.loss_adv:
            fixed = {name: value.detach() for name, value in self.judge.named_parameters()}
            rated = functional_call(self.judge, fixed, (fake, c))
            parts["adv"] = -config.coef_adv * rated.float().mean()
        result = (fake.float() + 1) / 2
        if config.loss_mse:
            parts["mse"] = config.coef_mse * F.mse_loss(result, x)
        if self.features is not None:
            parts["lpips"] = config.coef_lpips * self.features(x, result).float()
        if not parts:
            raise TrainingError("all three losses are off; leave one of loss_mse, loss_adv on")
        return parts

    def turn(self, optimiser: Adam, loss: Tensor) -> None:
        """One optimiser's step; both share the scaler (S087)."""
        optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(optimiser)
        self.scaler.update()

    @torch.no_grad()
    def update_average(self) -> None:
        """S077; faster at the start, as upstream's torch_ema."""
        self.updates += 1
        decay = min(self.config.decay_ema_g, (1 + self.updates) / (10 + self.updates))
        for name, value in self.learning():
            self.average[name].lerp_(value, 1 - decay)

    def end_epoch(self) -> None:
        for schedule in self.schedules:
            schedule.step()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Stored statistics, no gradients."""
        self.painter.eval()
        with torch.no_grad(), torch.autocast(self.device.type, enabled=self.half):
            yield
        self.train()

    def results(self, x: Tensor, c: Tensor, z: Tensor, averaged: bool) -> Tensor:
        """What the raw or the averaged network makes of photos: (B, 3, H, W), 0..1."""
        x, c, z = (value.to(self.device) for value in (x, c, z))
        weights = self.average if averaged else {}
        named = {f"net.{name}": value for name, value in weights.items()}
        with self.resting():
            painted: Tensor = functional_call(self.painter, named, (grey(x), c, z))
        return ((painted.float() + 1) / 2).cpu()

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs (S098)."""
        return {
            "EG": self.net.state_dict(),
            "D": self.critic.state_dict(),
            "ema": self.average,
            "updates": self.updates,
            "optimiser_g": self.optimiser_g.state_dict(),
            "optimiser_d": self.optimiser_d.state_dict(),
            "schedules": [schedule.state_dict() for schedule in self.schedules],
            "scaler": self.scaler.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["EG"])
        self.critic.load_state_dict(state["D"])
        self.average = {name: value.to(self.device) for name, value in state["ema"].items()}
        self.updates = state["updates"]
        self.optimiser_g.load_state_dict(state["optimiser_g"])
        self.optimiser_d.load_state_dict(state["optimiser_d"])
        for schedule, held in zip(self.schedules, state["schedules"], strict=True):
            schedule.load_state_dict(held)
        self.scaler.load_state_dict(state["scaler"])
        self.keep_to_rates()

    def keep_to_rates(self) -> None:
        """The rates are those of the settings, not of the checkpoint: whoever sees a plateau goes
        on with another (S099).
        """
        pairs = zip(self.schedules, (self.config.lr, self.config.lr_d), strict=True)
        for schedule, rate in pairs:
            now = rate * share(schedule.last_epoch, self.config)
            schedule.base_lrs, schedule._last_lr = [rate], [now]
            schedule.optimizer.param_groups[0]["lr"] = now

    def write_epoch(self, folder: Path, epoch: int) -> None:
        """The two files of upstream's releases (S100): raw weights by name, and the averaged ones
        as a list in the order of the parameters.
        """
        values = self.net.named_parameters()
        shadow = [self.average.get(name, value.detach()) for name, value in values]
        held: dict[str, Any] = {"decay": self.config.decay_ema_g, "num_updates": self.updates}
        held |= {"shadow_params": shadow, "collected_params": None}
        write(folder / f"EG_{epoch:03d}.ckpt", self.net.state_dict())
        write(folder / f"EG_EMA_{epoch:03d}.ckpt", held)

    def write(self, path: Path) -> None:
        """The averaged network in one file, in the format of upstream's raw weights."""
        write(path, {**self.net.state_dict(), **self.average})


def write(path: Path, held: dict[str, Any]) -> None:
    checkpoint.write_atomic(path, lambda part: torch.save(held, part))
