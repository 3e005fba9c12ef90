"""Idempotency-Key: a program that did not hear our answer asks again, and nothing is done twice."""

import hmac
import json
import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request

from colorize import preferences, visitors
from colorize.models import Photo
from colorize.once import KEPT, Once

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotent-Replayed": "true"}
WRITTEN = re.compile(r"[\x21-\x7e]{1,255}")

Made = tuple[Sequence[Photo], list[dict[str, Any]]]  # photos, and what was refused beside them


class Conflict(APIException):
    status_code = 409
    default_code = "idempotency_conflict"
    default_detail = _("This Idempotency-Key was used for another request. Choose a new one.")


def key_of(request: Request) -> str:
    """Raises ValidationError."""
    key = request.headers.get(HEADER, "")
    if key and not WRITTEN.fullmatch(key):
        problem = gettext("A key is 1 to 255 visible ASCII characters without spaces.")
        raise ValidationError({HEADER: [problem]})
    return key


def fingerprint(request: Request) -> str:
    """Of the address and the body: the fields in any order, files by name and content."""
    fields = request.data
    values = fields.getlist if hasattr(fields, "getlist") else lambda name: [fields[name]]
    sent = [(name, list(map(told, values(name)))) for name in sorted(fields)]
    text = json.dumps([request.path, sent], sort_keys=True)
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), sha256).hexdigest()


def told(value: Any) -> Any:
    if not isinstance(value, UploadedFile):
        return value
    if value.closed:  # one of too many: BoundedUpload has not kept it
        return [value.name, value.size]
    digest = sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return [value.name, digest.hexdigest()]


def owner_of(request: Request) -> str:
    whose = visitors.belongings(request)
    return str(whose.get("owner_id") or whose["guest"])


def photos_of(row: Once) -> list[Photo]:
    """In their order; none once any of them is gone."""
    live = Photo.objects.live().prefetch_related("jobs").in_bulk(row.photos)
    photos = {str(pk): photo for pk, photo in live.items()}
    return [photos[pk] for pk in row.photos] if len(photos) == len(row.photos) else []


def known(request: Request) -> Made | None:
    """What this key has made before; None for a new key and without one. Raises Conflict."""
    key = key_of(request)
    row = Once.objects.filter(owner=owner_of(request), key=key).first() if key else None
    if row is None:
        return None
    photos = photos_of(row)
    if not photos or row.created < timezone.now() - KEPT:
        Once.objects.filter(pk=row.pk).delete()
        return None
    if not hmac.compare_digest(row.fingerprint, fingerprint(request)):
        raise Conflict
    return photos, row.errors


def keep(request: Request, make: Callable[[], Made]) -> tuple[Made, bool]:
    """Make it, or find what somebody made meanwhile with this key; True if so. The row and what it
    stands for are committed together, and the database lets one be first.
    """
    key = key_of(request)
    if not key:
        return make(), False
    row = Once(owner=owner_of(request), key=key, fingerprint=fingerprint(request))
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            photos, errors = make()
            if photos:
                row.photos = [str(photo.pk) for photo in photos]
                row.errors = [] if preferences.nameless(request) else errors  # they hold names
                row.save(update_fields=["photos", "errors"])
            else:
                row.delete()
            return (photos, errors), False
    except IntegrityError:
        before = known(request)
        if before is None:
            raise
        return before, True
