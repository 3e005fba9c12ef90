"""Longer keeping: an account's owner asks for it, photo by photo, and sees the date. Nothing is
kept in silence, and nothing at all where COLORIA_KEEP_MAX is 0.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from colorize.files import live
from colorize.models import CAP, PROMISE, Photo

DAYS = (1, 7, 30, 90, 365)


def choices() -> list[int]:
    """The days that a photo may be kept; none where the administrator allows none."""
    most = settings.COLORIA_KEEP_MAX
    return sorted({days for days in DAYS if days <= most} | ({most} if most else set()))


def keep(photo: Photo, days: int) -> Photo:
    """Keep a photo and its colour versions for so many days from now, or with 0 no longer than
    everybody's: then its ten minutes begin now. Raises Expired.
    """
    now = timezone.now()
    with transaction.atomic():
        locked = live(Photo.objects.lock(photo.pk))
        active = locked.jobs.active().exists()
        usual = now + PROMISE + (CAP if active else timedelta(0))
        locked.kept = now + timedelta(days=days) if days else None
        if locked.kept is None:
            locked.deadline = min(locked.deadline, usual)
        else:
            locked.deadline = max(locked.kept, usual) if active else locked.kept
        locked.save(update_fields=["kept", "deadline"])
    return locked
