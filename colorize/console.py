"""The administration: its first page tells how the server is doing. For staff; nobody else who is
signed in learns that it is there.
"""

import logging
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from ml import registry

OPERATE = "colorize.change_job"  # the right to cancel, repeat, pause and drain

log = logging.getLogger(__name__)


class Administration(admin.AdminSite):
    site_title = "COLORIA"
    site_header = _("COLORIA administration")
    index_title = _("How the server is doing")
    site_url = "/"

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Who is not signed in is led to the sign-in page; a signed-in stranger finds nothing."""
        inner = super().admin_view(view, cacheable)

        def for_staff(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.user.is_authenticated and not self.has_permission(request):
                raise Http404
            return inner(request, *args, **kwargs)

        return update_wrapper(for_staff, inner)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        return [path("pause/", self.admin_view(self.pause), name="pause"), *super().get_urls()]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        from colorize import figures

        operates = {"operates": request.user.has_perm(OPERATE)}
        return super().index(request, {**figures.context(), **operates, **(extra_context or {})})

    def pause(self, request: HttpRequest) -> HttpResponseBase:
        return pause(request)


@require_POST
def pause(request: HttpRequest) -> HttpResponse:
    """Hold back a model, or all of them, or let them go on."""
    from colorize import pauses

    name = request.POST.get("name", "")
    if not request.user.has_perm(OPERATE) or name not in {registry.ALL, *registry.MODELS}:
        raise Http404
    if request.POST.get("held") == "1":
        pauses.hold(name, request.user)
        said = gettext("Paused: %(name)s")
    else:
        pauses.resume(name)
        said = gettext("Goes on: %(name)s")
    said %= {"name": gettext("all models") if name == registry.ALL else name}
    messages.success(request, said)
    log.warning("%s, by %s", said, request.user.pk)
    LogEntry.objects.create(
        user_id=str(request.user.pk),
        content_type=ContentType.objects.get_for_model(pauses.Pause),
        object_id=name,
        object_repr=name,
        action_flag=CHANGE,
        change_message=said,
    )
    return redirect("admin:index")
