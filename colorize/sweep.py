"""What keeps the promises when nobody asks: purge, end, reap and ring again. Any number of sweeps
may run at once.
"""

import logging
import shutil
import uuid
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from colorize import once, pauses, traces
from colorize.models import CAP, MAX_ATTEMPTS, PROMISE, Job, Photo, Worker
from colorize.webhooks.models import Delivery
from ml import registry
from ml.errors import Crashed, TimedOut

PATIENCE = timedelta(seconds=60)  # before a queued job's bell is rung again
BELLS = 10  # per sweep: the oldest suffice, since each is rung again until it starts
YOUNG = timedelta(minutes=2)  # an upload keeps its file before its row is committed

DAY = timedelta(days=1)

log = logging.getLogger(__name__)


@dataclass
class Swept:
    ended: int = 0  # jobs past the hard cap
    requeued: int = 0  # lost leases, attempts left
    failed: int = 0  # lost leases, none left
    purged: int = 0  # photos past their deadline
    orphans: int = 0  # files and folders that no live photo owns
    rung: int = 0  # queued jobs without a bell
    forgotten: int = 0  # photos without pixels that no visitor can list any more

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in asdict(self).items())


def sweep() -> Swept:
    swept = Swept()
    swept.ended = end_overlong()
    swept.requeued, swept.failed = reap()
    swept.purged = purge()
    swept.orphans = remove_orphans()
    swept.rung = ring()
    if cache.add("forgot", True, DAY.total_seconds()):
        swept.forgotten = forget()
    if any(asdict(swept).values()):
        log.info("sweep: %s", swept)
    return swept


def forget() -> int:
    """Rows that serve nobody: workers of yesterday, sessions that have run out, and the guests'
    photos that went with them. Returns how many photos.
    """
    now = timezone.now()
    Worker.objects.filter(beat__lt=now - DAY).delete()
    once.forget()
    traces.forget()
    Delivery.objects.forget()
    SessionStore.clear_expired()
    lost = now - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    old = now - timedelta(days=settings.COLORIA_HISTORY_DAYS)
    photos = Photo.objects.filter(Q(owner=None, purged__lt=lost) | Q(purged__lt=old))
    count = photos.count()
    photos.delete()
    return count


def end_overlong() -> int:
    """Queued or running for an hour: the photo is not kept any longer."""
    overlong = Job.objects.active().filter(created__lte=timezone.now() - CAP)
    return sum(time_out(job) for job in list(overlong.select_related("photo")))


def time_out(job: Job) -> bool:
    """Fail a job that had its hour, and say what became of it meanwhile."""
    if not Job.objects.end(job.pk, Job.State.FAILED, code=TimedOut.code):
        return False
    begun = f"taken by {job.holder} at {job.started:%F %T %Z}" if job.started else "never begun"
    held = pauses.Pause.objects.filter(name__in=[job.model, registry.ALL])
    paused = ", ".join(f"{one.name} since {one.since:%F %T %Z}" for one in held)
    says = f"Paused: {paused}." if paused else "Nothing is paused."
    traces.note(job, f"Sent at {job.created:%F %T %Z} and {begun}. {says}")
    return True


def reap() -> tuple[int, int]:
    """Jobs whose worker stopped renewing: once more, or failed. Returns how many of each."""
    requeued = failed = 0
    now = timezone.now()
    for job in Job.objects.filter(state=Job.State.RUNNING, lease__lt=now):
        if job.attempts >= MAX_ATTEMPTS:
            failed += abandon(job)
        elif (
            Job.objects.held(job)
            .filter(lease__lt=now)
            .update(state=Job.State.QUEUED, token=None, lease=None, rung=None)
        ):
            requeued += 1
    return requeued, failed


def abandon(job: Job) -> bool:
    """Fail a job whose worker is gone; nobody is left to say why."""
    if not Job.objects.fail(job, Crashed.code):
        return False
    lost = f"{job.holder} stopped renewing its lease at {job.lease:%F %T %Z}"
    traces.note(job, f"{lost}: killed or frozen. Attempt {job.attempts} of {MAX_ATTEMPTS}.")
    return True


def purge() -> int:
    """Photos past their deadline. One with an active job waits for `end_overlong`."""
    purged = 0
    for photo in Photo.objects.overdue():
        if photo.jobs.active().exists():
            continue
        try:
            photo.purge()
            purged += 1
        except (DatabaseError, OSError):  # the others shall not outlive their deadline for it
            log.exception("photo %s could not be purged", photo.pk)
    return purged


def remove_orphans() -> int:
    """Folders of photos that have no row or are purged, and uploads that never arrived whole."""
    media, incoming = Path(settings.MEDIA_ROOT), Path(settings.FILE_UPLOAD_TEMP_DIR)
    orphans = [path for path in media.iterdir() if not is_kept(path)]
    orphans += [path for path in incoming.iterdir() if age(path) > PROMISE]
    return sum(remove(path) for path in orphans)


def remove(path: Path) -> bool:
    """Whether a file or folder is gone; one that cannot be removed must not keep the others."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except FileNotFoundError:
        return False  # another sweep was first
    except OSError:
        log.exception("%s could not be removed", path)
        return False
    return True


def is_kept(folder: Path) -> bool:
    try:
        photo = Photo.objects.filter(pk=uuid.UUID(folder.name)).values("purged").first()
    except ValueError:
        photo = None
    if photo is None:
        return age(folder) <= YOUNG
    return photo["purged"] is None


def age(path: Path) -> timedelta:
    """Since the last change; nothing if it has just gone."""
    try:
        return timedelta(seconds=timezone.now().timestamp() - path.stat().st_mtime)
    except FileNotFoundError:
        return timedelta(0)


def ring() -> int:
    """A bell may be lost between the commit and the queue, or with a worker that had taken it."""
    now = timezone.now()
    unheard = Q(rung__lt=now - PATIENCE) | Q(rung=None, created__lt=now - timedelta(seconds=5))
    waiting = pauses.free(Job.objects.filter(unheard, state=Job.State.QUEUED))
    pks = list(waiting.values_list("pk", flat=True)[:BELLS])
    for pk in pks:
        Job.objects.ring(pk)
    return len(pks)
