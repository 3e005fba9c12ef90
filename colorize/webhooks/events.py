"""What a webhook is told: ids, states, times, settings and links; no pixels and no file names."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin
from uuid import UUID

from django.urls import reverse
from django.utils import timezone

from colorize.webhooks.models import PAUSE, Delivery, TooSoon, Webhook

if TYPE_CHECKING:  # colorize.models imports this module
    from colorize.models import Job, Photo

Event = Webhook.Event
TEST = "test"


def job_ended(photo: "Photo", pk: UUID) -> None:
    """Called where a job ends, in the same transaction. A cancel is its owner's doing and told to
    nobody.
    """
    if not (webhooks := listening(photo)):
        return
    photo.refresh_from_db(fields=["deadline"])
    jobs = list(photo.jobs.all())
    job = next(job for job in jobs if job.pk == pk)
    if job.state in (job.State.DONE, job.State.FAILED):
        event = Event.DONE if job.state == job.State.DONE else Event.FAILED
        announce(webhooks, event, lambda site: job_told(job, site))
    ended = not any(one.is_active for one in jobs)
    if ended and not photo.purged and any(one.state == one.State.DONE for one in jobs):
        announce(webhooks, Event.READY, lambda site: photo_told(photo, site, jobs))


def photo_deleted(photo: "Photo") -> None:
    """Called where the files of a photo go, in the same transaction."""
    announce(listening(photo), Event.DELETED, lambda site: photo_told(photo, site))


def listening(photo: "Photo") -> list[Webhook]:
    """The webhooks of the photo's owner; a guest has none."""
    if photo.owner_id is None:
        return []
    return list(Webhook.objects.filter(owner_id=photo.owner_id, enabled=True))


def announce(webhooks: list[Webhook], event: str, told: Callable[[str], dict[str, Any]]) -> None:
    """One delivery for each webhook that asked for this event; `told` gets where links begin."""
    asked = [webhook for webhook in webhooks if event in webhook.events]
    Delivery.objects.bulk_create(message(hook, event, told(hook.site)) for hook in asked)


def test(webhook: Webhook) -> Delivery:
    """A message that tells of nothing. Raises TooSoon."""
    recent = timezone.now() - PAUSE
    if webhook.deliveries.filter(event=TEST, created__gt=recent).exists():
        raise TooSoon
    delivery = message(webhook, TEST, {"webhook": str(webhook.pk)})
    delivery.save(force_insert=True)
    return delivery


def message(webhook: Webhook, event: str, data: dict[str, Any]) -> Delivery:
    whole = {"type": event, "timestamp": instant(timezone.now()), "data": data}
    return Delivery(
        webhook=webhook,
        event=event,
        body=json.dumps(whole, separators=(",", ":")),
    )


def photo_told(photo: "Photo", site: str, jobs: "Iterable[Job]" = ()) -> dict[str, Any]:
    return {
        "id": str(photo.pk),
        "width": photo.width,
        "height": photo.height,
        "created": instant(photo.created),
        "expires": None if photo.purged else instant(photo.deadline),
        "deleted": instant(photo.purged),
        "url": urljoin(site, reverse("api-photo", args=[photo.pk])),
        "jobs": [job_told(job, site) for job in jobs],
    }


def job_told(job: "Job", site: str) -> dict[str, Any]:
    done = job.state == job.State.DONE
    return {
        "id": str(job.pk),
        "photo": str(job.photo_id),
        "model": job.model,
        "state": str(job.state),
        "settings": job.settings,
        "created": instant(job.created),
        "started": instant(job.started),
        "finished": instant(job.finished),
        "seconds": job.seconds,
        "error": {"code": job.code} if job.code else None,
        "url": urljoin(site, reverse("api-job", args=[job.pk])),
        "download": urljoin(site, reverse("api-download", args=[job.pk])) if done else None,
    }


def instant(moment: datetime | None) -> str | None:
    """ISO 8601, UTC, as the API writes it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
