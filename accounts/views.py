"""The account page and the end of an account; all else is django-allauth's."""

import logging
from typing import Any

from allauth.decorators import rate_limit
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.decorators import login_required
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import DeleteForm
from accounts.models import User

FAREWELL = "farewell"  # in the session of who just deleted an account

log = logging.getLogger(__name__)


@require_safe
@login_required
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    """Other apps add to this page: a template and what it needs, see ACCOUNT_PANELS."""
    context: dict[str, Any] = {}
    for function in settings.ACCOUNT_PANELS.values():
        context |= import_string(function)(request)
    return render(request, "account/account.html", context | {"panels": settings.ACCOUNT_PANELS})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@sensitive_post_parameters("password")
@rate_limit(action="reauthenticate")
def delete(request: HttpRequest) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)
    form = DeleteForm(request.POST or None, user=user)
    if not form.is_valid():
        return render(request, "account/delete.html", {"form": form})
    logout(request)
    erase(user)
    request.session[FAREWELL] = True
    return redirect("account_deleted")


def erase(user: User) -> None:
    """Every row that names the user. Whoever keeps files for users hears pre_delete."""
    pk = str(user.pk)
    with transaction.atomic():
        user.delete()
        named = LogEntry.objects.filter(content_type__model="user", object_id=pk)
        named.update(object_repr=pk)  # staff reads that there was an account, not whose
        sessions = Session.objects.iterator()  # they hold the address; a long walk, but a rare one
        theirs = [row.pk for row in sessions if row.get_decoded().get(SESSION_KEY) == pk]
        Session.objects.filter(pk__in=theirs).delete()
    log.info("an account was deleted")


@require_safe
@never_cache
def deleted(request: HttpRequest) -> HttpResponse:
    if not request.session.pop(FAREWELL, False):
        return redirect("/")
    return render(request, "account/deleted.html")
