"""What django-q calls. Workers get ids as strings and read the state again."""

import functools
import logging
import os
import socket
import time
from multiprocessing.util import Finalize
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from colorize import catalogue, traces
from colorize.models import Job, Worker
from colorize.record import private_name
from colorize.sweep import sweep as sweep_now
from ml import records, registry
from ml.errors import Cancelled, ColorizeError
from ml.host import Host, Order
from ml.images import SUFFIX

RENEW = 5.0  # seconds between two signs of life while a job runs
LOOK = 0.5  # seconds between two looks whether it was cancelled

log = logging.getLogger(__name__)


def begin() -> None:
    """A worker starts: the first photo shall not wait for the model host, which ends with it."""
    beat()
    sweep_now()
    Finalize(None, host().close, exitpriority=0)  # else the worker would wait for it for ever
    host().warm(catalogue.default())


def run_job(pk: str) -> None:
    """Colour one queued job. Called again for the same job it finds nothing to do."""
    beat()
    job = Job.objects.claim(pk, holder())
    if job is None:
        return
    try:
        colour(job)
    except Cancelled:
        log.info("job %s was stopped", job.pk)
    except ColorizeError as error:
        log.warning("job %s: %s: %s", job.pk, error.code, error.reason)
        if Job.objects.fail(job, error.code):
            traces.note(job, error)
    except Exception as error:
        if Job.objects.fail(job, ColorizeError.code):
            log.exception("job %s", job.pk)
            traces.note(job, error)
        else:  # its photo was deleted under it
            log.info("job %s was ended meanwhile", job.pk)


def colour(job: Job) -> None:
    """Have the model host colour it; keep the result unless somebody ended the job meanwhile."""
    photo, spec = job.photo, registry.get(job.model)
    result, preview = private_name(photo, SUFFIX[photo.format]), private_name(photo)
    media = Path(settings.MEDIA_ROOT)
    order = Order(
        model=spec.name,
        source=Path(photo.file.path),
        target=media / result,
        name=photo.name,
        settings=job.wishes(),
        width=photo.width,
        height=photo.height,
        source_preview=Path(photo.preview.path),
        target_preview=media / preview,
    )
    started = time.monotonic()
    painted = host().colorize(order, settings.COLORIA_JOB_TIMEOUT, Pulse(job))
    kept = Job.objects.end(
        job.pk,
        Job.State.DONE,
        token=job.token,
        result=result,
        preview=preview,
        format=painted.format,
        seconds=round(time.monotonic() - started, 3),
        weights=records.checksum(spec, settings.COLORIA_WEIGHTS),
    )
    if not kept:
        (media / result).unlink(missing_ok=True)
        (media / preview).unlink(missing_ok=True)


class Pulse:
    """Asked by the host a few times per second whether to stop; keeps the lease and the worker
    alive meanwhile.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.looked = self.renewed = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self.renewed >= RENEW:
            self.looked = self.renewed = now
            beat()
            return not Job.objects.renew(self.job)
        if now - self.looked >= LOOK:
            self.looked = now
            return not Job.objects.held(self.job).exists()
        return False


def sweep() -> None:
    """The schedule's doorbell; also a sign of life."""
    beat()
    sweep_now()


def beat() -> None:
    """A sign of life of this worker, and of its model host if that lives."""
    now = timezone.now()
    lives = {"host": now} if host().alive() else {}
    Worker.objects.update_or_create(name=holder(), defaults={"beat": now, **lives})


def holder() -> str:
    """This machine and this cluster: a cluster leads its own process group, and its workers are in
    it.
    """
    return f"{socket.gethostname()}:{os.getpgrp()}"


@functools.cache
def host() -> Host:
    """This worker's model host; its child starts with the first job."""
    return Host(
        settings.COLORIA_WEIGHTS,
        settings.COLORIA_HOST_CACHE_MB * 1_000_000,
        catalogue.limits(),
        settings.COLORIA_DEVICE,
        registry.MODELS,
    )
