"""How the server is doing, for the first page of the administration: six queries, whatever the
number of jobs.
"""

import shutil
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from django.conf import settings
from django.db.models import CharField, Count, Min, Value
from django.db.models.functions import Cast, Substr
from django.utils import timezone

from colorize.estimates import FIRST_RATE
from colorize.health import MAX_WAIT, MIN_FREE, OVERDUE
from colorize.models import Job, Photo, Worker
from colorize.pauses import Pause
from colorize.plots import Plot
from ml import registry
from ml.spec import ModelSpec

HOUR = timedelta(hours=1)
HOURS = 24  # of the plots
NEWEST = 5000  # jobs of the last hour that percentiles are taken from
SHOWN = 50  # running jobs and workers; more are told as a number
SILENCE = timedelta(seconds=60)  # then `manage.py work` starts a worker's cluster anew

Ended = dict[tuple[int, str, str], int]  # (hour, outcome, code) -> jobs


@dataclass(slots=True)
class ModelFigures:
    """One model: what waits for it now, and what became of its jobs in the last hour."""

    spec: ModelSpec
    state: str
    pause: Pause | None
    queued: int
    seconds: list[float] = field(default_factory=list)  # of those that were coloured, ascending
    failed: int = 0
    cancelled: int = 0

    @property
    def done(self) -> int:
        return len(self.seconds)

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
    overdue: int  # photos with files past their deadline
    overdue_by: timedelta | None
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
        done = sorted(second for model in self.models for second in model.seconds)
        failed = sum(model.failed for model in self.models)
        first = self.models[0] if self.models else None
        return first and ModelFigures(first.spec, "", None, self.queued, done, failed)


def percentile(ascending: list[float], share: float) -> float | None:
    """The nearest rank; None of nothing."""
    return ascending[max(0, ceil(share * len(ascending)) - 1)] if ascending else None


def gather() -> Figures:
    now = timezone.now()
    pauses = {pause.name: pause for pause in Pause.objects.all()}
    waiting, overdue, due = what_waits()
    models = last_hour(now, pauses, {name: count for name, (count, _) in waiting.items()})
    first, ended = last_day(now)
    disk = shutil.disk_usage(settings.VAR)
    return Figures(
        now=now,
        models=models,
        drained=pauses.get(registry.ALL),
        queued=sum(count for count, _ in waiting.values()),
        oldest=now - min(since for _, since in waiting.values()) if waiting else None,
        overdue=overdue,
        overdue_by=now - due if due else None,
        running=running(now, models),
        workers=list(Worker.objects.order_by("-beat")[:SHOWN]),
        codes=codes(ended),
        coloured=plot(first, ended, Job.State.DONE),
        failed=plot(first, ended, Job.State.FAILED),
        free=disk.free,
        total=disk.total,
    )


def what_waits() -> tuple[dict[str, tuple[int, datetime]], int, datetime | None]:
    """Queued jobs by model with the oldest's time; and how many photos should be deleted, with the
    earliest deadline. One query for both.
    """
    counted = {"count": Count("pk")}
    queued = Job.objects.filter(state=Job.State.QUEUED).order_by().values_list("model")
    late = Photo.objects.overdue(OVERDUE).order_by().values_list(Value(""))
    rows = queued.annotate(**counted, since=Min("created")).union(
        late.annotate(**counted, since=Min("deadline")), all=True
    )
    found = {model: (count, since) for model, count, since in rows}
    overdue, due = found.pop("", (0, None))
    return found, overdue, due


def last_hour(
    now: datetime, pauses: dict[str, Pause], queued: dict[str, int]
) -> list[ModelFigures]:
    """Every model of the registry, those that are ready first."""
    figures = {
        name: ModelFigures(
            spec,
            registry.state(spec, settings.COLORIA_WEIGHTS),
            pauses.get(name),
            queued.get(name, 0),
        )
        for name, spec in registry.MODELS.items()
    }
    jobs = Job.objects.filter(finished__gt=now - HOUR).order_by("-finished")
    for model, outcome, seconds in jobs.values_list("model", "outcome", "seconds")[:NEWEST]:
        if (row := figures.get(model)) is None:
            continue
        if outcome == Job.State.DONE and seconds is not None:
            row.seconds.append(seconds)
        row.failed += outcome == Job.State.FAILED
        row.cancelled += outcome == Job.State.CANCELLED
    for row in figures.values():
        row.seconds.sort()
    return sorted(figures.values(), key=lambda row: row.state != "installed")


def last_day(now: datetime) -> tuple[datetime, Ended]:
    """The first of the last 24 clock hours, and what ended in each of them. The hour is cut out of
    the written time, which both databases do faster than they reckon with it.
    """
    first = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - (HOURS - 1) * HOUR
    hour = Substr(Cast("finished", CharField()), 1, len("2026-01-01 00"))
    jobs = Job.objects.filter(finished__gte=first).order_by()
    rows = jobs.values_list(hour, "outcome", "code").annotate(count=Count("pk"))
    return first, {
        ((datetime.strptime(f"{hour}+0000", "%Y-%m-%d %H%z") - first) // HOUR, outcome, code): count
        for hour, outcome, code, count in rows
    }


def codes(ended: Ended) -> list[tuple[str, int]]:
    found = Counter[str]()
    for (_, outcome, code), count in ended.items():
        if outcome == Job.State.FAILED:
            found[code] += count
    return found.most_common()


def plot(first: datetime, ended: Ended, wanted: str) -> Plot:
    counts: dict[int, int] = defaultdict(int)
    for (hour, outcome, _), count in ended.items():
        counts[hour] += count if outcome == wanted else 0
    return Plot([(first + n * HOUR, counts[n]) for n in range(HOURS)])


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
