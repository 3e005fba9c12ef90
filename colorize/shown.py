"""Photos and jobs as pages and API show them: the contract's JSON, as plain dictionaries."""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.urls import reverse

from colorize import errors
from colorize.catalogue import limits
from colorize.estimates import Queue
from colorize.models import Job, Photo
from colorize.wishes import as_fields
from ml import classes, registry
from ml import errors as failures
from ml.errors import ColorizeError, NeverBegun, TimedOut

FAILURES: dict[str, type[ColorizeError]] = {
    kind.code: kind
    for kind in (
        failures.BadImage,
        failures.UnsupportedType,
        failures.TooLarge,
        failures.UnknownModel,
        failures.ModelUnavailable,
        failures.OutOfMemory,
        failures.TimedOut,
    )
}


def photo_shown(photo: Photo, queue: Queue | None = None) -> dict[str, Any]:
    queue = queue or Queue()
    jobs = list(photo.jobs.all())
    gone = photo.gone()
    drawn = not gone and Path(photo.preview.path).exists()  # a worker has begun
    return {
        "id": str(photo.pk),
        "name": photo.name,
        "title": photo.title or photo.name,
        "width": photo.width,
        "height": photo.height,
        "bytes": photo.bytes,
        "created": photo.created,
        "expires": expires(photo, jobs),
        "kept": photo.kept,
        "deleted": (photo.purged or photo.deadline) if gone else None,
        "preview": reverse("original", args=[photo.pk]) if drawn else None,
        "ready": sum(job.state == Job.State.DONE for job in jobs),
        "jobs": [job_shown(job, photo, jobs, queue) for job in jobs],
    }


def job_shown(job: Job, photo: Photo, jobs: list[Job], queue: Queue) -> dict[str, Any]:
    gone = photo.gone()
    ready = job.state == Job.State.DONE and not gone
    estimate = queue.estimate(job)
    return {
        "id": str(job.pk),
        "photo": str(photo.pk),
        "model": job.model,
        "title": title(job.model),
        "state": Job.State.EXPIRED.value if gone else job.state,
        "position": estimate.position,
        "eta_s": estimate.eta_s,
        "progress": estimate.progress,
        "settings": job.settings,
        "subject": subject(job),
        "created": job.created,
        "started": job.started,
        "finished": job.finished,
        "expires": expires(photo, jobs),
        "seconds": job.seconds,
        "width": photo.width,
        "height": photo.height,
        "bytes": weight(job) if ready else None,
        "download": reverse("download", args=[job.pk]) if ready else None,
        "preview": reverse("preview", args=[job.pk]) if ready else None,
        "error": told(job, photo),
    }


def another(job: dict[str, Any], jobs: list[dict[str, Any]]) -> dict[str, str] | None:
    """The fields that ask for the same with a new seed; None where chance plays no part."""
    if job["state"] != Job.State.DONE or "seed" not in job["settings"]:
        return None
    seeds = [one["settings"].get("seed", 0) for one in jobs if one["model"] == job["model"]]
    wished = job["settings"] | {"seed": (max(seeds) + 1) % 2**32}
    return as_fields(job["model"], wished)


def subject(job: Job) -> str | None:
    """The name of the class that a model was told."""
    label = job.settings.get("label")
    return None if label is None else classes.names()[label]


def weight(job: Job) -> int | None:
    """Bytes of a result; None if it went while we were asking."""
    try:
        return job.result.size
    except (FileNotFoundError, ValueError):
        return None


def expires(photo: Photo, jobs: list[Job]) -> datetime | None:
    """When the files go; unknown while a job is active."""
    return None if any(job.is_active for job in jobs) else photo.deadline


def title(name: str) -> str:
    """A model's title; the name alone for one that left the registry."""
    spec = registry.MODELS.get(name)
    return spec.title if spec else name


def told(job: Job, photo: Photo) -> dict[str, str] | None:
    """The job's error with its sentence: only the code is kept, the facts are read again."""
    if not job.code:
        return None
    error = failure(job, photo)
    return {"code": error.code, "detail": errors.sentence(error)}


def failure(job: Job, photo: Photo, name: str = "") -> ColorizeError:
    """Why a job failed; `name` stands for the photo's."""
    kind = FAILURES.get(job.code, ColorizeError)
    if kind is TimedOut and job.started is None:
        kind = NeverBegun
    facts: dict[str, str | int] = {
        "name": name or photo.name,
        "title": title(job.model),
        "megapixels": round(photo.megapixels),
        "limit": limits().megapixels,
    }
    return kind(facts=facts)
