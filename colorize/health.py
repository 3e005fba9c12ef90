"""For whoever watches the server: /healthz says the process lives, /readyz that the promises can be
kept.
"""

import shutil
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Max, Min
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from colorize import sweep
from colorize.models import Job, Photo, Worker

SILENCE = 90.0  # seconds without a sign of life from any worker
OVERDUE = timedelta(seconds=90)  # files are gone so soon after their deadline
MAX_WAIT = 1800.0  # seconds that the oldest job has queued
MIN_FREE = 500_000_000  # bytes of disk


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    found = checks()
    ready = all(check["ok"] for check in found.values())
    answer = {"status": "ready" if ready else "not ready", "checks": found}
    return JsonResponse(answer, status=200 if ready else 503)


def checks() -> dict[str, dict[str, Any]]:
    try:
        wait = age(Job.objects.filter(state=Job.State.QUEUED).aggregate(at=Min("created"))["at"])
        silence = age(Worker.objects.aggregate(at=Max("beat"))["at"])
        overdue = Photo.objects.overdue(OVERDUE).count() + len(left_behind())
    except DatabaseError as error:
        return {"database": {"ok": False, "error": type(error).__name__}, "disk": disk()}
    return {
        "database": {"ok": True},
        "queue": {"ok": wait is None or wait < MAX_WAIT, "oldest_wait_s": wait},
        "worker": {"ok": silence is not None and silence < SILENCE, "silent_s": silence},
        "deletions": {"ok": overdue == 0, "overdue": overdue},
        "disk": disk(),
    }


def left_behind(kept: Collection[UUID] | None = None) -> dict[UUID, timedelta]:
    """Photos whose folder is still here although no row keeps it, and for how long: what no sweep
    could delete. `kept` are the photos that have files, if they are known.
    """
    if kept is None:
        kept = set(Photo.objects.filter(purged=None).values_list("pk", flat=True))
    ages = {}
    for folder in Path(settings.MEDIA_ROOT).iterdir():
        with suppress(ValueError):  # not a photo's
            ages[UUID(folder.name)] = sweep.age(folder)
    return {pk: age for pk, age in ages.items() if age > sweep.YOUNG + OVERDUE and pk not in kept}


def disk() -> dict[str, Any]:
    free = shutil.disk_usage(settings.VAR).free
    return {"ok": free >= MIN_FREE, "free_bytes": free}


def age(moment: Any) -> float | None:
    return None if moment is None else round((timezone.now() - moment).total_seconds(), 1)
