"""The list of photos: facts, no pictures. Who opens one gives a reason; both are logged."""

import logging
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from colorize import files
from colorize.admin import filters
from colorize.admin.frame import Inspected
from colorize.admin.jobs import link
from colorize.models import Job, Photo

ORIGINAL = "original"
OPEN = "colorize.open_photo"  # the right to open a photo

log = logging.getLogger(__name__)


class ReasonForm(forms.Form):
    what = forms.ChoiceField(label=_("What to open"))
    reason = forms.CharField(
        label=_("Reason"),
        min_length=10,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("It is kept with your name and the time."),
    )

    def __init__(self, photo: Photo, *args: Any) -> None:
        super().__init__(*args)
        done = photo.jobs.filter(state=Job.State.DONE)
        versions = [(str(job.pk), job.model) for job in done]
        self.fields["what"] = forms.ChoiceField(
            label=_("What to open"), choices=[(ORIGINAL, _("the photo as it was sent")), *versions]
        )


class PhotoAdmin(Inspected):
    list_display = (
        "short",
        "user",
        "created",
        "megapixels",
        "format",
        "bytes",
        "deadline",
        "purged",
    )
    list_select_related = ("owner",)
    list_filter = (
        filters.UserFilter,
        filters.FilesFilter,
        filters.ModelFilter,
        filters.StateFilter,
        filters.OutcomeFilter,
        filters.CodeFilter,
        filters.WhenFilter,
        filters.DayFilter,
    )
    search_fields = ("=id",)
    search_help_text = _("Id of a photo")
    fields = (
        "id", "user", "created", "width", "height", "format", "bytes", "deadline", "kept", "purged",
        "versions", "opening",
    )  # fmt: skip
    readonly_fields = ("user", "versions", "opening")

    @admin.display(description=_("user"))
    def user(self, photo: Photo) -> str:
        return photo.owner.get_username() if photo.owner else gettext("guest")

    @admin.display(description=_("megapixels"))
    def megapixels(self, photo: Photo) -> str:
        return f"{photo.megapixels:.1f}"

    @admin.display(description=_("jobs"))
    def versions(self, photo: Photo) -> str:
        jobs = photo.jobs.all()
        facts = [(link(job, job.model), job.outcome or job.state, job.code) for job in jobs]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {} {}</li>", facts))

    @admin.display(description=_("picture"))
    def opening(self, photo: Photo) -> str:
        if photo.gone():
            return gettext("deleted")
        address = reverse("admin:colorize_photo_open", args=[photo.pk])
        return format_html('<a href="{}">{}</a>', address, gettext("Open it for a reason"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.open_photo)
        return [path("<uuid:pk>/open/", view, name="colorize_photo_open"), *super().get_urls()]

    def open_photo(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Ask why, note it, and only then show the picture."""
        photo = get_object_or_404(Photo, pk=pk)
        if not request.user.has_perm(OPEN):
            raise PermissionDenied
        files.live(photo)
        form = ReasonForm(photo, request.POST if request.method == "POST" else None)
        if form.is_valid():
            return self.opened(request, photo, **form.cleaned_data)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Open a photo"),
            "form": form,
            "photo": photo,
            "opts": self.opts,
        }
        status = 400 if form.is_bound else 200
        return render(request, "admin/open_photo.html", context, status=status)

    def opened(
        self, request: HttpRequest, photo: Photo, what: str, reason: str
    ) -> HttpResponseBase:
        log.warning("photo %s (%s) opened by %s: %r", photo.pk, what, request.user.pk, reason)
        self.log_change(request, photo, f"Opened ({what}): {reason}")
        if what == ORIGINAL:
            return files.original(photo)
        job = photo.jobs.filter(pk=what).select_related("photo").first()
        if job is None:
            raise Http404
        return files.preview(job)
