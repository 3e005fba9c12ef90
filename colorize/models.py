"""Photo and Job. A photo and everything made from it vanish together; the rows stay as history,
without pixels.

    queued --claim--> running --finish--> done ----purge---> expired
       |                 |--error-------> failed --purge---> expired
       '---cancel--------'--cancel------> cancelled --purge-> expired
    running --lease lost, attempts left--> queued

The database decides who was first: every change of state is one conditional UPDATE on the job's own
table. No joins in its filter: PostgreSQL re-checks the row it waited for, but not the rows that a
sub-query has read.
"""

import os
import shutil
import uuid
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_q.tasks import async_task

from colorize import pauses
from colorize.once import Once as Once
from colorize.photos import CAP as CAP
from colorize.photos import PROMISE as PROMISE
from colorize.photos import PhotoQuerySet
from colorize.preferences import Preferences as Preferences
from colorize.record import (
    date_and_clock,
    private_name,
    when,
    wishes_as_json,
    wishes_from_json,
)
from colorize.traces import Trace as Trace
from colorize.webhooks import events
from colorize.workers import Worker as Worker
from ml.errors import Deleted, Elapsed, Expired
from ml.spec import ModelSpec, Settings

LEASE = timedelta(seconds=30)  # renewed every few seconds while a worker lives
MAX_ATTEMPTS = 2


class Photo(models.Model):
    """One upload, its jobs and one deadline for all of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, db_index=False
    )
    guest = models.CharField(max_length=32, blank=True)  # token in a session
    name = models.CharField(_("name"), max_length=255)
    title = models.CharField(_("title"), max_length=200, blank=True)  # the owner's; else the name
    file = models.FileField(upload_to=private_name, blank=True)
    preview = models.FileField(blank=True)  # for the browser; named at once, drawn by the worker
    format = models.CharField(_("format"), max_length=8)  # Pillow's name
    width = models.PositiveIntegerField(_("width"))  # pixels, upright
    height = models.PositiveIntegerField(_("height"))
    bytes = models.PositiveBigIntegerField(_("bytes"))
    created = models.DateTimeField(_("created"), default=timezone.now)
    # Files are never shown after it. While a job is active it is the hard cap, else the promise.
    deadline = models.DateTimeField(_("deadline"))
    kept = models.DateTimeField(_("kept until"), null=True, blank=True)  # if its owner asked for it
    purged = models.DateTimeField(_("purged"), null=True, blank=True)

    objects = PhotoQuerySet.as_manager()

    class Meta:
        ordering = ["-created"]
        indexes = [
            models.Index(fields=["created", "id"]),
            # Of all that were ever sent, those with files are few.
            models.Index(fields=["deadline"], name="photo_with_files", condition=Q(purged=None)),
            models.Index(fields=["owner", "-created"], name="photo_of_owner"),
            models.Index(fields=["guest", "-created"], name="photo_of_guest"),
        ]
        verbose_name = _("photo")
        verbose_name_plural = _("photos")
        permissions = [("open_photo", "Can open a photo for a reason")]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6

    @property
    def folder(self) -> Path:
        return Path(settings.MEDIA_ROOT) / self.pk.hex

    def gone(self) -> bool:
        return self.purged is not None or self.deadline <= timezone.now()

    def epitaph(self) -> Expired:
        """What to say about a photo that is gone. It went at its deadline, or whenever its owner
        said.
        """
        if self.purged and self.purged < self.deadline:
            return Deleted(facts=when(self.purged))
        if self.kept and self.kept >= self.deadline:
            return Elapsed(facts=when(self.deadline) | {"time": date_and_clock(self.deadline)})
        return Expired(facts=when(self.deadline))

    def send(self, spec: ModelSpec, wishes: Settings, repeats: "Job | None" = None) -> "Job":
        """Queue this photo for one model; the worker hears of it after the commit."""
        kept = wishes_as_json(wishes, spec.options)
        job = self.jobs.create(model=spec.name, settings=kept, repeats=repeats)
        capped = job.created + CAP + PROMISE
        Photo.objects.filter(pk=self.pk).update(deadline=max(capped, self.kept or capped))
        self.refresh_from_db(fields=["deadline"])
        transaction.on_commit(lambda: Job.objects.ring(job.pk))
        return job

    def purge(self) -> None:
        """Delete every file of the photo now; active jobs end. The row and its jobs stay, without
        pixels.
        """
        now = timezone.now()
        with transaction.atomic():
            photo = Photo.objects.select_for_update().filter(pk=self.pk, purged=None).first()
            if photo is None:
                return  # somebody was first, or deleted the row
            photo.file, photo.preview, photo.purged = "", "", now
            photo.save(update_fields=["file", "preview", "purged"])
            for job in photo.jobs.all():
                Job.objects.end(job.pk, Job.State.CANCELLED)
                job.result = job.preview = ""
                job.save(update_fields=["result", "preview"])  # files go after the commit
            photo.jobs.update(state=Job.State.EXPIRED)
            events.photo_deleted(photo)
            with suppress(OSError):
                os.utime(self.folder)  # /readyz counts from here if the folder stays
        shutil.rmtree(self.folder, ignore_errors=True)  # what a worker was just writing, too


class JobQuerySet(models.QuerySet["Job"]):
    def active(self) -> "JobQuerySet":
        return self.filter(state__in=Job.ACTIVE)

    def ring(self, pk: uuid.UUID) -> None:
        """Tell a worker that this job waits. The task carries the id and nothing else."""
        self.filter(pk=pk).update(rung=timezone.now())
        async_task("colorize.tasks.run_job", str(pk))

    def claim(self, pk: uuid.UUID | str, holder: str) -> "Job | None":
        """Take a queued job; None if nothing is left to do, somebody was first or it is paused."""
        now, token = timezone.now(), uuid.uuid4()
        taken = pauses.free(self.filter(pk=pk, state=Job.State.QUEUED)).update(
            state=Job.State.RUNNING,
            token=token,
            holder=holder,
            started=now,
            lease=now + LEASE,
            attempts=F("attempts") + 1,
        )
        return self.select_related("photo").get(pk=pk, token=token) if taken else None

    def held(self, job: "Job") -> "JobQuerySet":
        """The job while this claim of it holds."""
        return self.filter(pk=job.pk, token=job.token, state=Job.State.RUNNING)

    def renew(self, job: "Job") -> bool:
        """Whether the job is still ours; if so, for another lease."""
        return self.held(job).update(lease=timezone.now() + LEASE) == 1

    def end(
        self, pk: uuid.UUID, state: str, *, token: uuid.UUID | None = None, **changes: Any
    ) -> bool:
        """End an active job, or only our own running one if `token` is given. False: somebody else
        was first.
        """
        ours = Q(token=token, state=Job.State.RUNNING) if token else Q(state__in=Job.ACTIVE)
        now = timezone.now()
        with transaction.atomic():
            known = self.filter(pk=pk).values_list("photo_id", flat=True)
            photo = Photo.objects.select_for_update().filter(pk__in=list(known)).first()
            if photo is None or not self.filter(ours, pk=pk).update(
                state=state, outcome=state, finished=now, lease=None, **changes
            ):
                return False  # a row may be deleted under its worker
            if not photo.jobs.active().exists():
                ready = max(now + PROMISE, photo.kept or now)  # never later than was said before
                Photo.objects.filter(pk=photo.pk, deadline__gt=ready).update(deadline=ready)
            events.job_ended(photo, pk)
        return True

    def cancel(self, pk: uuid.UUID) -> bool:
        return self.end(pk, Job.State.CANCELLED)

    def fail(self, job: "Job", code: str) -> bool:
        return self.end(job.pk, Job.State.FAILED, token=job.token, code=code)

    def release(self, holder: str) -> None:
        """Give back what a worker held that was told to stop: not the job's fault, so not an
        attempt.
        """
        self.filter(holder=holder, state=Job.State.RUNNING).update(
            state=Job.State.QUEUED, token=None, lease=None, rung=None, attempts=F("attempts") - 1
        )


class Job(models.Model):
    """One photo through one model with one setting."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")
        EXPIRED = "expired", _("expired")

    ACTIVE = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    photo = models.ForeignKey(
        Photo, on_delete=models.CASCADE, related_name="jobs", db_index=False
    )  # the index "job_of_photo" serves it too
    model = models.CharField(_("model"), max_length=40)
    settings = models.JSONField(_("settings"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    outcome = models.CharField(_("outcome"), max_length=10, blank=True)  # how it ended, for good
    code = models.CharField(_("error"), max_length=32, blank=True)  # of ml.errors
    weights = models.CharField(_("weights"), max_length=64, blank=True)  # sha256, once it is done
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    token = models.UUIDField(null=True, editable=False)  # of the claim
    holder = models.CharField(_("worker"), max_length=80, blank=True)
    lease = models.DateTimeField(_("lease"), null=True, blank=True)
    rung = models.DateTimeField(null=True, editable=False)  # when the worker was last told
    created = models.DateTimeField(_("created"), default=timezone.now)
    started = models.DateTimeField(_("started"), null=True, blank=True)
    finished = models.DateTimeField(_("finished"), null=True, blank=True)
    seconds = models.FloatField(_("seconds"), null=True, blank=True)  # from claim to result
    result = models.FileField(blank=True)
    preview = models.FileField(blank=True)
    format = models.CharField(_("format"), max_length=8, blank=True)  # of the result, Pillow's name
    # The job that an administrator had done once more.
    repeats = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["created", "id"]
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        indexes = [
            # Whole, or SQLite asks for a photo's jobs by the index of their model: minutes.
            models.Index(fields=["photo", "model", "outcome"], name="job_of_photo"),
            models.Index(fields=["state", "created"]),
            models.Index(fields=["state", "model", "created"]),
            models.Index(fields=["created", "id"]),
            models.Index(fields=["code", "created"]),
            models.Index(fields=["model", "finished"]),
            models.Index(fields=["outcome", "finished", "code", "model"]),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.model} {self.state}"

    @property
    def is_active(self) -> bool:
        return self.state in self.ACTIVE

    def wishes(self) -> Settings:
        return wishes_from_json(self.settings)
