"""When will it be ready? From what this model took lately on this server."""

from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from colorize import pauses
from colorize.models import Job
from ml import registry

FIRST_RATE = 1.0  # seconds per megapixel, until a model has coloured its first photo here
OVERHEAD = 1.0  # seconds per photo: opening, saving, the queue
RECENT = 20  # jobs
REMEMBERED = 10  # seconds that a rate is not computed again


@dataclass(frozen=True, slots=True)
class Estimate:
    position: int | None = None  # 1 is next; 0 is being coloured
    eta_s: float | None = None
    progress: float = 0.0  # 0..1, of this job's own work


def rate(model: str) -> float:
    """Seconds per megapixel of the model's recent jobs."""
    key = f"rate:{model}"
    known: float | None = cache.get(key)
    if known is None:
        known = measured_rate(model)
        cache.set(key, known, REMEMBERED)
    return known


def measured_rate(model: str) -> float:
    recent = Job.objects.filter(model=model, seconds__gt=0).order_by("-finished")[:RECENT]
    rows = recent.select_related("photo")
    megapixels = sum(job.photo.megapixels for job in rows)
    spent = sum(max(0.0, (job.seconds or 0.0) - OVERHEAD) for job in rows)
    return spent / megapixels if megapixels else FIRST_RATE


def work(job: Job) -> float:
    """Seconds that this job is expected to run."""
    return OVERHEAD + rate(job.model) * job.photo.megapixels


@dataclass(slots=True)
class Queue:
    """The active jobs and what is paused, read once for all questions of one request."""

    now: datetime = field(default_factory=timezone.now)
    jobs: list[Job] = field(
        default_factory=lambda: list(Job.objects.active().select_related("photo").order_by())
    )

    paused: frozenset[str] = field(default_factory=pauses.names)

    def waits(self, job: Job) -> bool:
        """Whether nobody may begin the job, so that nobody knows when it will be ready."""
        return job.state == Job.State.QUEUED and not self.paused.isdisjoint(
            (job.model, registry.ALL)
        )

    def estimate(self, job: Job) -> Estimate:
        if job.state == Job.State.RUNNING:
            return Estimate(0, round(self.left(job), 1), round(self.progress(job), 2))
        if job.state != Job.State.QUEUED:
            return Estimate(progress=float(job.state == Job.State.DONE))
        ahead = [other for other in self.jobs if self.before(other, job)]
        if not self.waits(job):  # those that wait are overtaken
            ahead = [other for other in ahead if not self.waits(other)]
        waiting = sum(other.state == Job.State.QUEUED for other in ahead)
        if self.waits(job):
            return Estimate(waiting + 1)
        seconds = sum(map(self.left, ahead)) / settings.COLORIA_WORKERS + work(job)
        return Estimate(waiting + 1, round(seconds, 1))

    def before(self, other: Job, job: Job) -> bool:
        running = other.state == Job.State.RUNNING
        return running or (other.created, other.pk) < (job.created, job.pk)

    def spent(self, job: Job) -> float:
        return (self.now - job.started).total_seconds() if job.started else 0.0

    def left(self, job: Job) -> float:
        """Seconds a job still needs; a late one is said to be nearly ready."""
        spent = self.spent(job) if job.state == Job.State.RUNNING else 0.0
        return max(0.5, work(job) - spent)

    def progress(self, job: Job) -> float:
        return min(0.95, self.spent(job) / work(job))
