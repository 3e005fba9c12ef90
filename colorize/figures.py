"""How the server is doing, for the first page of the administration: six queries, whatever the
number of jobs.
"""

import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import CharField, Count, Min, Q, Value
from django.db.models.functions import Cast
from django.utils import timezone

from colorize.estimates import FIRST_RATE
from colorize.health import MAX_WAIT, MIN_FREE, OVERDUE, left_behind
from colorize.models import Job, Photo, Worker
from colorize.pauses import Pause
from colorize.plots import Plot
from ml import registry
from ml.spec import ModelSpec

HOUR = timedelta(hours=1)
HOURS = 24  # of the plots
LATELY = -1  # stands for the last sixty minutes, where an hour of the plots is 0..23
NEWEST = 5000  # coloured jobs of the last hour that percentiles are taken from
SHOWN = 50  # running jobs and workers; more are told as a number
SILENCE = timedelta(seconds=60)  # then `manage.py work` starts a worker's cluster anew


@dataclass(slots=True)
class Ended:
    """How many jobs ended, counted by the database."""

    first: datetime  # of the hours of the plots
    coloured: Counter[int] = field(default_factory=Counter)  # by hour
    failed: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)  # of the failed
    lately: Counter[tuple[str, str]] = field(default_factory=Counter)  # (model, outcome), one hour

    def plot(self, counts: Counter[int]) -> Plot:
        return Plot([(self.first + n * HOUR, counts[n]) for n in range(HOURS)])


@dataclass(slots=True)
class ModelFigures:
    """One model: what waits for it now, and what became of its jobs in the last hour."""

    spec: ModelSpec
    state: str
    pause: Pause | None
    queued: int
    done: int
    failed: int
    seconds: list[float] = field(default_factory=list)  # of the newest coloured, ascending

    @property
    def success(self) -> float | None:
        """Per cent of what was not cancelled."""
        tried = self.done + self.failed
        return 100 * self.done / tried if tried else None

    @property
    def p50(self) -> float | None:
        return percentile(self.seconds, 0.5)

    @property
    def p95(self) -> float | None:
        return percentile(self.seconds, 0.95)


@dataclass(frozen=True, slots=True)
class Running:
    job: Job
    spent: timedelta
    progress: float  # 0..1, by what its model took lately


@dataclass(frozen=True, slots=True)
class Figures:
    now: datetime
    models: list[ModelFigures]
    drained: Pause | None
    queued: int
    oldest: timedelta | None  # wait of the oldest queued job
    overdue: int  # photos with files past their deadline, or after they were deleted
    overdue_by: timedelta | None
    busy: int  # running jobs, of which the first are listed
    running: list[Running]
    workers: list[Worker]
    codes: list[tuple[str, int]]  # failures of the last 24 hours, most first
    coloured: Plot
    failed: Plot
    free: int  # bytes of disk
    total: int

    @property
    def waits_long(self) -> bool:
        return self.oldest is not None and self.oldest.total_seconds() > MAX_WAIT

    @property
    def unlisted(self) -> int:
        return max(0, self.busy - len(self.running))

    @property
    def disk_low(self) -> bool:
        return self.free < MIN_FREE

    @property
    def silent(self) -> bool:
        """No worker has given a sign of life lately."""
        return not any(self.heard(worker) for worker in self.workers)

    def heard(self, worker: Worker) -> bool:
        return self.now - worker.beat < SILENCE

    def hears_host(self, worker: Worker) -> bool:
        return worker.host is not None and self.now - worker.host < SILENCE

    @property
    def hour(self) -> ModelFigures | None:
        """All models together."""
        seconds = sorted(second for model in self.models for second in model.seconds)
        done = sum(model.done for model in self.models)
        failed = sum(model.failed for model in self.models)
        first = self.models[0] if self.models else None
        return first and ModelFigures(first.spec, "", None, self.queued, done, failed, seconds)


def percentile(ascending: list[float], share: float) -> float | None:
    """The nearest rank; None of nothing."""
    return ascending[max(0, ceil(share * len(ascending)) - 1)] if ascending else None


def gather() -> Figures:
    now = timezone.now()
    pauses = {pause.name: pause for pause in Pause.objects.all()}
    waiting, deadlines = what_waits()
    late = [now - due for due in deadlines.values() if due <= now - OVERDUE]
    late += left_behind(deadlines).values()
    queued = {model: one for (state, model), one in waiting.items() if state == Job.State.QUEUED}
    active = sum(count for count, _ in waiting.values())
    waits = sum(count for count, _ in queued.values())
    ended = what_ended(now)
    models = last_hour(now, pauses, {name: count for name, (count, _) in queued.items()}, ended)
    disk = shutil.disk_usage(settings.VAR)
    return Figures(
        now=now,
        models=models,
        drained=pauses.get(registry.ALL),
        queued=waits,
        oldest=now - min(since for _, since in queued.values()) if queued else None,
        overdue=len(late),
        overdue_by=max(late, default=None),
        busy=active - waits,
        running=running(now, models),
        workers=list(Worker.objects.order_by("-beat")[:SHOWN]),
        codes=ended.codes.most_common(),
        coloured=ended.plot(ended.coloured),
        failed=ended.plot(ended.failed),
        free=disk.free,
        total=disk.total,
    )


def what_waits() -> tuple[dict[tuple[str, str], tuple[int, datetime]], dict[UUID, datetime]]:
    """Active jobs by state and model with the oldest's time; and the photos that have files, with
    their deadlines. One query for both.
    """
    active = Job.objects.active().order_by().values_list("state", "model")
    here = Photo.objects.filter(purged=None).order_by()
    rows = active.annotate(count=Count("*"), since=Min("created")).union(
        here.values_list(Value(""), Cast("pk", CharField()), Value(1), "deadline"), all=True
    )
    found, deadlines = {}, {}
    for state, name, count, since in rows:
        if state:
            found[state, name] = count, since
        else:
            deadlines[UUID(name)] = since
    return found, deadlines


def what_ended(now: datetime) -> Ended:
    """One query with two parts for each hour of the plots, which only run along an index: to group
    the jobs of a day by their hours, the database would sort all of them.
    """
    first = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - (HOURS - 1) * HOUR
    jobs = Job.objects.order_by()
    done, failed = (jobs.filter(outcome=state) for state in (Job.State.DONE, Job.State.FAILED))
    parts = [
        some.filter(finished__gt=now - HOUR).values_list(Value(LATELY), "outcome", "model")
        for some in (done, failed)
    ]
    for n in range(HOURS):
        then = Q(finished__gte=first + n * HOUR, finished__lt=first + (n + 1) * HOUR)
        parts.append(done.filter(then).values_list(Value(n), "outcome", Value("")))
        parts.append(failed.filter(then).values_list(Value(n), "outcome", "code"))
    counted = [part.annotate(count=Count("*")) for part in parts]
    ended = Ended(first)
    for hour, outcome, key, count in counted[0].union(*counted[1:], all=True):
        if hour == LATELY:
            ended.lately[key, outcome] = count
        elif outcome == Job.State.DONE:
            ended.coloured[hour] = count
        else:
            ended.failed[hour] += count
            ended.codes[key] += count
    return ended


def last_hour(
    now: datetime, pauses: dict[str, Pause], queued: dict[str, int], ended: Ended
) -> list[ModelFigures]:
    """Every model of the registry, those that are ready first."""
    figures = {
        name: ModelFigures(
            spec,
            registry.state(spec, settings.COLORIA_WEIGHTS),
            pauses.get(name),
            queued.get(name, 0),
            ended.lately[name, Job.State.DONE],
            ended.lately[name, Job.State.FAILED],
        )
        for name, spec in registry.MODELS.items()
    }
    done = Job.objects.filter(outcome=Job.State.DONE, finished__gt=now - HOUR)
    newest = done.order_by("-finished").values_list("model", "seconds")[:NEWEST]
    for model, seconds in newest:
        if model in figures and seconds is not None:
            figures[model].seconds.append(seconds)
    for row in figures.values():
        row.seconds.sort()
    return sorted(figures.values(), key=lambda row: row.state != "installed")


def running(now: datetime, models: list[ModelFigures]) -> list[Running]:
    usual = {row.spec.name: row.p50 for row in models}
    jobs = Job.objects.filter(state=Job.State.RUNNING).select_related("photo")
    found = []
    for job in jobs.order_by("started")[:SHOWN]:
        spent = now - (job.started or now)
        expected = usual.get(job.model) or FIRST_RATE * max(1.0, job.photo.megapixels)
        found.append(Running(job, spent, min(0.95, spent.total_seconds() / expected)))
    return found


def context() -> dict[str, Any]:
    """What the page is filled with."""
    found = gather()
    hour = found.hour
    workers = [(one, found.heard(one), found.hears_host(one)) for one in found.workers]
    alive = sum(heard for _, heard, _ in workers)
    return {
        "figures": found,
        "hour": hour,
        "workers": workers,
        "alive": alive,
        "all_models": registry.ALL,
    }
