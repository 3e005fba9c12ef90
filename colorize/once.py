"""What an Idempotency-Key has made, so that a program may ask again without harm."""

from datetime import timedelta

from django.db import models
from django.utils import timezone

KEPT = timedelta(hours=24)


class Once(models.Model):
    """What came of a key: which photos, for a day or until they are deleted."""

    owner = models.CharField(max_length=40)  # account or guest
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)  # keyed: it tells nobody which picture it was
    photos = models.JSONField(default=list)  # their ids
    errors = models.JSONField(default=list)  # of an upload's other files, with their names
    created = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="once_per_key")]

    def __str__(self) -> str:
        return f"{self.owner} {self.key}"


def forget() -> int:
    """Keys of yesterday."""
    return Once.objects.filter(created__lt=timezone.now() - KEPT).delete()[0]
