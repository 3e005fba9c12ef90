"""What history shows and gives out: what was done, never what is in the picture."""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from colorize.estimates import Estimate, Queue
from colorize.models import Job, Photo
from colorize.photos import PhotoQuerySet
from colorize.record import FIRST, LAST
from colorize.shown import photo_shown, title, told
from ml import registry

LIVE = "live"
ACTIVE = "active"
STATES = {
    LIVE: _("still here"),
    ACTIVE: _("in work"),
    Job.State.DONE.value: _("coloured"),
    Job.State.FAILED.value: _("failed"),
    Job.State.CANCELLED.value: _("cancelled"),
}
LOOKS = {0.6: _("muted"), 1: _("natural"), 1.4: _("vivid")}  # of the strengths that are offered
FACTS = (  # what a line says of a job's settings and weights, in the order of the form
    _("Colour"),
    _("Render factor"),
    _("What is in the picture"),
    _("Seed"),
    _("Tries"),
    _("Raw output"),
    _("Colour hints"),
    _("Weights"),
)
# A spreadsheet takes a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
COLUMNS = (
    "photo", "title", "name", "format", "width", "height", "bytes", "sent", "kept_until", "deleted",
    "job", "model", "weights_sha256", "settings", "state", "error", "created", "started",
    "finished", "seconds",
)  # fmt: skip
BOUNDS = [MinValueValidator(FIRST), MaxValueValidator(LAST)]
CHUNK = 500  # photos read at once while exporting


class FilterForm(forms.Form):
    """Which rows to show. What is left empty asks for all."""

    model = forms.ChoiceField(required=False)
    state = forms.ChoiceField(required=False, choices=list(STATES.items()))
    since = forms.DateField(required=False, validators=BOUNDS)
    until = forms.DateField(required=False, validators=BOUNDS)

    def __init__(self, query: QueryDict) -> None:
        super().__init__(query)
        models = [(spec.name, spec.title) for spec in registry.MODELS.values()]
        self.fields["model"] = forms.ChoiceField(required=False, choices=models)

    def chosen(self) -> dict[str, Any]:
        """What is asked for and makes sense."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    def rows(self, photos: PhotoQuerySet) -> PhotoQuerySet:
        chosen = self.chosen()
        jobs = Q()
        if model := chosen.get("model"):
            jobs &= Q(model=model)
        state = chosen.get("state")
        if state == ACTIVE:
            jobs &= Q(state__in=Job.ACTIVE)
        elif state == LIVE:
            photos = photos.live()
        elif state:
            jobs &= Q(outcome=state)
        if jobs:
            photos = photos.filter(Exists(Job.objects.filter(jobs, photo=OuterRef("pk"))))
        if since := chosen.get("since"):
            photos = photos.filter(created__gte=midnight(since))
        if until := chosen.get("until"):
            photos = photos.filter(created__lt=midnight(until + timedelta(days=1)))
        return photos


def midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


@dataclass(slots=True)
class Unhurried(Queue):
    """A list says how things stand; when they end, its page asks for each that is in work."""

    def estimate(self, job: Job) -> Estimate:
        return Estimate()


def shown(photos: Iterable[Photo]) -> list[dict[str, Any]]:
    """Photos for the page, with how each job ended, which purging its files does not change."""
    queue = Unhurried(jobs=[])
    names = [str(name) for name in FACTS]
    rows = []
    for photo in photos:
        row = photo_shown(photo, queue)
        for job, known in zip(row["jobs"], photo.jobs.all(), strict=True):
            job["outcome"], job["weights"] = known.outcome, known.weights
            job["ended"], job["facts"] = ended(job), facts(job, names)
        rows.append(row)
    return rows


def ended(job: dict[str, Any]) -> str:
    if job["outcome"] == Job.State.DONE:
        seconds = localize(round(job["seconds"] or 0.0, 1))
        return gettext("coloured in %(seconds)s s") % {"seconds": seconds}
    return gettext("cancelled") if job["outcome"] == Job.State.CANCELLED else ""


def facts(job: dict[str, Any], names: list[str]) -> str:
    """Settings and weights. Not a template, and its names are translated once for all: a page has
    up to 220 such lines.
    """
    wished = job["settings"]
    strength, label = wished.get("strength"), wished.get("label")
    subject = job["subject"] and format_html(
        '<span lang="en">{}</span> ({})', job["subject"], label
    )
    known = (
        LOOKS.get(strength, strength),
        wished.get("render_factor"),
        subject,
        wished.get("seed"),
        wished["candidates"] if wished.get("candidates", 1) > 1 else None,
        gettext("yes") if wished.get("raw") else None,
        len(wished.get("hints", ())) or None,
        job["weights"][:12] or None,
    )
    lines = (line for line in zip(names, known, strict=True) if line[1] is not None)
    return format_html_join(" · ", "{}\u00a0<b>{}</b>", lines)


def entry(photo: Photo) -> dict[str, Any]:
    """A photo as it is exported."""
    gone = photo.gone()
    return {
        "photo": str(photo.pk),
        "title": photo.title,
        "name": photo.name,
        "format": photo.format,
        "width": photo.width,
        "height": photo.height,
        "bytes": photo.bytes,
        "sent": photo.created,
        "kept_until": photo.kept,
        "deleted": (photo.purged or photo.deadline) if gone else None,
        "jobs": [job_entry(job, photo) for job in photo.jobs.all()],
    }


def job_entry(job: Job, photo: Photo) -> dict[str, Any]:
    error = told(job, photo)
    return {
        "job": str(job.pk),
        "model": job.model,
        "model_title": title(job.model),
        "weights_sha256": job.weights,
        "settings": job.settings,
        "state": job.outcome or job.state,
        "error": error["code"] if error else "",
        "created": job.created,
        "started": job.started,
        "finished": job.finished,
        "seconds": job.seconds,
    }


def as_json(photos: PhotoQuerySet) -> Iterator[str]:
    """A list of photos with their jobs, written as it is read."""
    yield "[\n"
    comma = ""
    for photo in photos.iterator(CHUNK):
        yield comma + json.dumps(entry(photo), cls=DjangoJSONEncoder, ensure_ascii=False)
        comma = ",\n"
    yield "\n]\n"


class Echo:
    def write(self, line: str) -> str:
        return line


def as_csv(photos: PhotoQuerySet) -> Iterator[str]:
    """A line per job, with a mark in front by which spreadsheets know UTF-8."""
    writer = csv.writer(Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)
    for photo in photos.iterator(CHUNK):
        whole = entry(photo)
        for job in whole["jobs"]:
            line = whole | job
            yield writer.writerow([cell(line[column]) for column in COLUMNS])


def cell(value: Any) -> Any:
    """Text that no spreadsheet runs; numbers stay numbers."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        value = json.dumps(value) if value else ""
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return f"'{value}"
    return value
