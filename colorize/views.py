"""The pages. Views say who may see; they touch no pixel."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect, ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from colorize import catalogue, files, forms, guide, keeping, pauses, quotas, visitors
from colorize.api.guests import token_or_session
from colorize.errors import sentence, tell, wants_json
from colorize.examples import EXAMPLES
from colorize.forms import take
from colorize.models import PROMISE, Job
from colorize.shown import another, photo_shown, title
from colorize.wishes import WishesForm
from ml import registry

REFRESH = 3  # seconds between two looks of a page without JavaScript


@require_safe
@never_cache
def index(request: HttpRequest) -> HttpResponse:
    return front(request)


@ensure_csrf_cookie
def front(request: HttpRequest, wished: Job | None = None) -> HttpResponse:
    """The main page, with the settings of a job filled in whose photo is gone."""
    limits = catalogue.limits()
    shown = {
        "files": settings.COLORIA_MAX_FILES,
        "megapixels": limits.megapixels,
        "megabytes": limits.megabytes,
    }
    context = {
        **catalogue.offer(),
        **quotas.panel(request),
        **(wished_shown(wished) if wished else {}),
        "examples": EXAMPLES,
        "limits": shown,
        "accept": catalogue.ACCEPT,
        "minutes": PROMISE // timedelta(minutes=1),
    }
    return render(request, "index.html", context)


def wished_shown(job: Job) -> dict[str, Any]:
    """A job's settings for the form: `chosen` only where its model is still installed."""
    known = job.model in {spec.name for spec in catalogue.installed()}
    settings = job.settings | {"hints": json.dumps(job.settings.get("hints", []))}
    wished = {"title": title(job.model), "name": job.photo.title or job.photo.name, "known": known}
    return {"again": wished | settings} | ({"chosen": job.model} if known else {})


@csrf_exempt
@require_POST
def upload(request: HttpRequest) -> HttpResponseBase:
    """The report's route: a browser goes on to its photos, a program gets the API's answer, which
    asks for a CSRF token where a browser is behind it.
    """
    if wants_json(request) or "Authorization" in request.headers:
        from colorize.api.photos import Upload  # it shows photos as these pages do

        return Upload.as_view()(request)
    answer: HttpResponse = upload_form(request)
    return answer


@csrf_protect
def upload_form(request: HttpRequest) -> HttpResponse:
    uploads: list[Any] = request.FILES.getlist("photos") + request.FILES.getlist("image")
    form = WishesForm(request.POST)
    if not uploads:
        return tell(request, 400, "bad_request", gettext("Choose a photo and send it again."))
    if not form.is_valid():
        return tell(request, 400, "bad_request", " ".join(form.sentences()))
    photos, refused = take(request, uploads, form)
    for refusal in refused:
        messages.error(request, sentence(refusal.error))
    if len(photos) == 1:
        return redirect("photo", photos[0].pk)
    return redirect("history" if photos else "index")


@require_safe
@never_cache
def photo(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = photo_shown(files.live(visitors.photo(request, pk)))
    jobs = shown["jobs"]
    for job in jobs:
        job["another"] = another(job, jobs)
    tried = {job["model"] for job in jobs}
    context = {"photo": shown, "jobs": jobs, **catalogue.offer(tried)}
    if request.user.is_authenticated:
        context["keep_days"] = keeping.choices()
    if shown["expires"] is None:
        context["refresh"] = REFRESH
    return render(request, "photo.html", context)


@require_POST
def again(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One photo more than once: with another model, another setting."""
    photo = files.live(visitors.photo(request, pk))
    form = WishesForm(request.POST)
    if not form.is_valid():
        return tell(request, 400, "bad_request", " ".join(form.sentences()))
    job = forms.again(request, photo, form)[0]
    return redirect(f"{reverse('photo', args=[pk])}#version-{job.pk}")


@require_safe
@token_or_session
def original(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    return files.original(visitors.photo(request, pk))


@require_POST
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    visitors.photo(request, pk).purge()
    messages.success(request, gettext("Your photo and its colour versions are deleted."))
    return redirect("index")


@require_safe
@token_or_session
def preview(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    return files.preview(visitors.job(request, pk))


@require_safe
@token_or_session
def download(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    delete = request.GET.get("delete", "").lower() in ("1", "true")
    return files.fetched(request, visitors.job(request, pk), delete)


@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    job = visitors.job(request, pk)
    Job.objects.cancel(job.pk)
    return redirect("photo", job.photo_id)


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    rows = guide.rows()
    lacking = [row for row in rows if row.state != "installed"]
    context = {
        "rows": rows,
        "ready": [row.spec.name for row in rows if row.state == "installed"],
        "lacking": lacking,
        "commands": dict.fromkeys(line for row in lacking for line in guide.commands(row.spec)),
        "compared": guide.compared(),
    }
    return render(request, "models.html", context)


@require_safe
def model(request: HttpRequest, name: str) -> HttpResponse:
    row = guide.row(registry.get(name), pauses.names())
    return render(request, row.templates, guide.page(row))


@require_safe
def how(request: HttpRequest) -> HttpResponse:
    return render(request, "how_it_works.html")


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    return render(request, "about.html", {"contact": settings.COLORIA_CONTACT})


@csrf_exempt
@require_POST
def test(request: HttpRequest) -> JsonResponse:
    """The report's route: shows that a POST arrives; changes nothing."""
    return JsonResponse({"detail": "POST received"})
