"""The list of jobs, what can be done with them, and one job with the cause of its failure."""

import csv
import logging
from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from colorize import catalogue, errors, traces
from colorize.admin import filters
from colorize.admin.frame import Inspected
from colorize.ledger import Echo, cell
from colorize.models import Job, Photo
from colorize.shown import failure
from ml import registry

COLUMNS = (
    "job", "photo", "user", "model", "state", "outcome", "code", "created", "started", "finished",
    "seconds", "attempts", "worker", "megapixels", "repeats",
)  # fmt: skip
CHUNK = 2000  # jobs read at once while exporting

log = logging.getLogger(__name__)


def link(target: Any, text: str) -> str:
    address = reverse(f"admin:colorize_{target._meta.model_name}_change", args=[target.pk])
    return format_html('<a href="{}">{}</a>', address, text)


def repeat(job: Job) -> Job | None:
    """The same once more, by the administrator; None where it cannot be: the photo is gone, the
    model is not installed, or the same is waiting already.
    """
    spec = registry.MODELS.get(job.model)
    if spec is None or catalogue.state(spec) != "installed":
        return None
    with transaction.atomic():
        photo = Photo.objects.lock(job.photo_id)
        waiting = [(one.model, one.settings) for one in photo.jobs.active()]
        if photo.gone() or (job.model, job.settings) in waiting:
            return None
        return photo.send(spec, job.wishes(), repeats=job)


class JobAdmin(Inspected):
    list_display = (
        "short", "user", "model", "state", "outcome", "code", "created", "took", "attempts",
        "holder",
    )  # fmt: skip
    list_display_links = ("short",)
    list_select_related = ("photo__owner",)
    list_filter = (
        filters.UserFilter,
        filters.ModelFilter,
        filters.StateFilter,
        filters.OutcomeFilter,
        filters.CodeFilter,
        filters.WhenFilter,
        filters.DayFilter,
    )
    search_fields = ("=id", "=photo__id")
    search_help_text = _("Id of a job or a photo")
    actions = ("cancel", "repeat", "export")
    fieldsets = (
        (None, {"fields": ("id", "photo_link", "user", "model", "state", "outcome")}),
        (_("Cause"), {"fields": ("cause", "why")}),
        (_("Work"), {"fields": ("created", "started", "finished", "took", "attempts", "holder")}),
        (_("Order"), {"fields": ("settings", "weights", "repeated", "repetitions")}),
    )  # fmt: skip
    readonly_fields = ("photo_link", "user", "cause", "why", "took", "repeated", "repetitions")

    @admin.display(description=_("user"))
    def user(self, job: Job) -> str:
        return job.photo.owner.get_username() if job.photo.owner else gettext("guest")

    @admin.display(description=_("photo"))
    def photo_link(self, job: Job) -> str:
        return link(job.photo, str(job.photo_id))

    @admin.display(description=_("seconds"), empty_value="-")
    def took(self, job: Job) -> float | None:
        return job.seconds

    @admin.display(description=_("what its owner reads"))
    def cause(self, job: Job) -> str:
        if not job.code:
            return "-"
        error = failure(job, job.photo, "…")  # the photo's name is not for the administrator
        return f"{job.code}: {errors.sentence(error)}"

    @admin.display(description=_("trace"))
    def why(self, job: Job) -> str:
        text = traces.kept(job)
        if not text:
            return gettext("None. Traces are kept for 7 days.") if job.code else "-"
        return format_html('<pre class="trace" tabindex="0">{}</pre>', text)

    @admin.display(description=_("repeats"))
    def repeated(self, job: Job) -> str:
        return link(job.repeats, str(job.repeats_id)) if job.repeats else "-"

    @admin.display(description=_("repeated by"))
    def repetitions(self, job: Job) -> str:
        links = [(link(one, str(one.pk)), one.state) for one in job.job_set.all()]
        return format_html_join(", ", "{} ({})", links) or "-"

    @admin.action(description=_("Cancel"), permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        ended = 0
        for job in queryset.filter(state__in=Job.ACTIVE):
            if Job.objects.cancel(job.pk):
                ended += 1
                self.log_change(request, job, "Cancelled")
        said = ngettext("%d job was cancelled.", "%d jobs were cancelled.", ended) % ended
        self.message_user(request, said, messages.SUCCESS if ended else messages.WARNING)

    @admin.action(description=_("Colour once more"), permissions=["operate"])
    def repeat(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        jobs = list(queryset.filter(photo__purged=None).exclude(state__in=Job.ACTIVE))
        begun = [(job, new) for job in jobs if (new := repeat(job))]
        for job, new in begun:
            self.log_change(request, job, f"Repeated as {new.pk}")
        left = queryset.count() - len(begun)
        if begun:
            count = len(begun)
            said = ngettext("%d job is queued once more.", "%d jobs are queued once more.", count)
            self.message_user(request, said % count, messages.SUCCESS)
        if left:
            said = ngettext(
                "%d job could not be repeated: its photo is deleted, its model is not installed, "
                "or the same is in the queue.",
                "%d jobs could not be repeated: their photos are deleted, their models are not "
                "installed, or the same is in the queue.",
                left,
            )
            self.message_user(request, said % left, messages.WARNING)

    @admin.action(description=_("Export as CSV"), permissions=["view"])
    def export(self, request: HttpRequest, queryset: QuerySet[Job]) -> StreamingHttpResponse:
        log.warning("jobs exported as CSV by %s", request.user.pk)
        jobs = queryset.select_related("photo__owner")
        response = StreamingHttpResponse(lines(jobs), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="jobs.csv"'
        return response


def lines(jobs: QuerySet[Job]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)
    for job in jobs.iterator(CHUNK):
        yield writer.writerow([cell(value) for value in line(job)])


def line(job: Job) -> tuple[Any, ...]:
    photo, owner = job.photo, job.photo.owner
    return (
        str(job.pk), str(photo.pk), owner.get_username() if owner else "", job.model, job.state,
        job.outcome, job.code, job.created, job.started, job.finished, job.seconds, job.attempts,
        job.holder, round(photo.megapixels, 2), str(job.repeats_id or ""),
    )  # fmt: skip
