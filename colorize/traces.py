"""Why a job failed, for staff: the traceback of its worker, apart from the job, for a week.

The job itself keeps only a code. A trace holds code and messages, no values of variables, and what
it could say about the photo's owner is taken out.
"""

import re
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ml.errors import ColorizeError

if TYPE_CHECKING:  # colorize.models imports this module
    from colorize.models import Job

KEPT = timedelta(days=7)
MOST = 20_000  # characters
ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,255}")  # bounded, so that it is quick on anything


class Trace(models.Model):
    job = models.OneToOneField(
        "colorize.Job", primary_key=True, on_delete=models.CASCADE, related_name="trace"
    )
    text = models.TextField(_("trace"))
    created = models.DateTimeField(_("created"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("trace")
        verbose_name_plural = _("traces")

    def __str__(self) -> str:
        return str(self.pk)


def note(job: "Job", why: BaseException | str) -> None:
    """Keep why a job failed, without its photo's name."""
    text = why if isinstance(why, str) else "\n".join(told(why))
    text = bounded(anonymous(text, job.photo.name))
    Trace.objects.update_or_create(job=job, defaults={"text": text, "created": timezone.now()})


def told(error: BaseException) -> Iterator[str]:
    """The chain of errors, the first cause first, as Python prints it; a ColorizeError with its
    reason for the log in place of its sentence for the owner.
    """
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield from told(earlier)
        yield ""
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
    kind = type(error)
    message = error.reason if isinstance(error, ColorizeError) else str(error)
    yield f"{kind.__module__}.{kind.__qualname__}: {message}"


def anonymous(text: str, name: str) -> str:
    """Without the photo's file name, e-mail addresses and where files lie."""
    text = ADDRESS.sub("[address]", text)
    for known in (name, repr(name)[1:-1], ascii(name)[1:-1], PurePath(name).stem):
        if len(known) > 3 or known == name:
            text = text.replace(known, "[name]") if known else text
    return text.replace(str(settings.MEDIA_ROOT), "[media]").replace(str(settings.BASE_DIR), ".")


def bounded(text: str) -> str:
    """The beginning says where it started, the end what it was: the middle goes."""
    if len(text) <= MOST:
        return text
    return f"{text[: MOST // 4]}\n[...]\n{text[-MOST * 3 // 4 + 20 :]}"


def kept(job: "Job") -> str:
    """The trace of a job while it may be read; "" without one."""
    found = Trace.objects.filter(job=job, created__gt=timezone.now() - KEPT)
    return found.values_list("text", flat=True).first() or ""


def forget() -> int:
    return Trace.objects.filter(created__lte=timezone.now() - KEPT).delete()[0]
