"""The history page and what can be done there. Everything asks `visitors` whose it is."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from colorize import forms, keeping, ledger, preferences, visitors
from colorize.errors import tell
from colorize.models import Photo
from colorize.views import front
from colorize.wishes import WishesForm, as_fields
from ml import registry

LISTED = 20  # photos on one page
WRITERS = {"csv": ledger.as_csv, "json": ledger.as_json}
TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@require_safe
@never_cache
def history(request: HttpRequest) -> HttpResponse:
    form = ledger.FilterForm(request.GET)
    page = Paginator(form.rows(visitors.history(request)), LISTED).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "photos": ledger.shown(page.object_list),
        "form": form,
        "chosen": form.chosen(),
        "models": registry.MODELS.values(),
        "states": ledger.STATES,
        "nameless": preferences.nameless(request),
        "row_days": row_days(request),
        "query": without_page(request.GET),
        "whole_query": request.GET.urlencode(),
    }
    return render(request, "history.html", context)


def row_days(request: HttpRequest) -> int:
    """Days after which a row of this visitor is forgotten."""
    guest = settings.SESSION_COOKIE_AGE // 86400
    most: int = settings.COLORIA_HISTORY_DAYS
    return most if request.user.is_authenticated else min(guest, most)


def without_page(query: QueryDict) -> str:
    kept = query.copy()
    kept.pop("page", None)
    return kept.urlencode()


def back(request: HttpRequest, place: str = "") -> HttpResponse:
    """To the same filters and page of the list: only a query is taken from the form, no address."""
    query = QueryDict(request.POST.get("query", "")).urlencode()
    return redirect(reverse("history") + (f"?{query}" if query else "") + place)


@require_POST
def rename(request: HttpRequest, pk: UUID) -> HttpResponse:
    """An empty title is the file's name again."""
    photo = visitors.photo(request, pk)
    photo.title = "".join(c for c in request.POST.get("title", "") if c.isprintable()).strip()[:200]
    photo.save(update_fields=["title"])
    return back(request, f"#row-{pk}")


@require_POST
def forget(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete a row, and whatever files are left."""
    photo = visitors.photo(request, pk)
    photo.purge()
    photo.delete()
    messages.success(request, gettext("The row is deleted from your history."))
    return back(request)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def forget_all(request: HttpRequest) -> HttpResponse:
    """Asked first, then done: every row and whatever files are left."""
    photos = visitors.photos(request)
    if request.method != "POST":
        return render(request, "history_delete.html", {"count": photos.count()})
    for photo in photos.filter(purged=None):
        photo.purge()
    photos.delete()
    visitors.keys(request).delete()
    messages.success(request, gettext("Your history is deleted."))
    return redirect("history")


@require_safe
@never_cache
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The rows that the filters leave, all pages of them."""
    rows = ledger.FilterForm(request.GET).rows(visitors.photos(request))
    response = StreamingHttpResponse(WRITERS[kind](rows), content_type=TYPES[kind])
    name = f"coloria-history-{timezone.localdate().isoformat()}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
def names(request: HttpRequest) -> HttpResponse:
    """Whether file names are stored. Those that were are forgotten; titles stay, being wanted."""
    wanted = request.POST.get("nameless") == "on"
    preferences.set_nameless(request, wanted)
    if wanted:
        Photo.objects.filter(visitors.mine(request)).update(name=preferences.UNNAMED)
        visitors.keys(request).update(errors=[])
        messages.success(
            request, gettext("File names are not stored any more; the old ones are forgotten.")
        )
    else:
        messages.success(request, gettext("File names are stored from now on."))
    return redirect("account" if request.POST.get("from") == "account" else "history")


@require_POST
def keep(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Longer than ten minutes, for accounts only: a guest could not come back to it."""
    photo = visitors.photo(request, pk)
    if not request.user.is_authenticated or photo.owner_id != request.user.pk:
        return tell(request, 403, "forbidden", gettext("Sign in to keep a photo for longer."))
    allowed = {str(days): days for days in (0, *keeping.choices())}
    days = allowed.get(request.POST.get("days", ""))
    if days is None:
        return tell(
            request, 400, "bad_request", gettext("A photo cannot be kept for so long here.")
        )
    keeping.keep(photo, days)
    return redirect("photo", pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def run_again(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same settings once more: at once while the photo is here, else the main page asks for the
    file, with everything else filled in.
    """
    job = visitors.job(request, pk)
    if request.method != "POST":
        return front(request, job)
    if job.photo.gone():
        return redirect("run-again", pk)
    form = WishesForm(as_fields(job.model, job.settings))
    if not form.is_valid():
        return tell(request, 400, "bad_request", " ".join(form.sentences()))
    new = forms.again(request, job.photo, form)[0]
    return redirect(f"{reverse('photo', args=[job.photo_id])}#version-{new.pk}")


def panel(request: HttpRequest) -> dict[str, Any]:
    """What templates/account/_keeping.html shows on the account page."""
    kept = Photo.objects.live().filter(owner_id=request.user.pk, kept__gt=timezone.now())
    return {
        "nameless": preferences.nameless(request),
        "row_days": row_days(request),
        "kept_count": kept.count(),
    }
