"""The pages of an account's webhooks, below /accounts/webhooks/."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from colorize.webhooks import events
from colorize.webhooks.forms import WebhookForm
from colorize.webhooks.models import MOST, Delivery, TooMany, TooSoon, Webhook, WebhookQuerySet

LISTED = 100  # deliveries on a page


def mine(request: HttpRequest) -> WebhookQuerySet:
    return Webhook.objects.filter(owner_id=request.user.pk)


def site(request: HttpRequest) -> str:
    """Where links in messages begin: the address by which the owner knows this site."""
    return request.build_absolute_uri("/")


def panel(request: HttpRequest) -> dict[str, Any]:
    """What account/_webhooks.html shows."""
    rows = list(mine(request))
    return {"webhooks": rows, "webhooks_full": len(rows) >= MOST, "webhook_form": WebhookForm()}


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhooks(request: HttpRequest) -> HttpResponse:
    """The webhooks of an account, and the form for one more."""
    if request.method != "POST":
        return render(request, "account/webhooks.html", panel(request))
    form = WebhookForm(request.POST)
    if form.is_valid():
        try:
            owner: Any = request.user.pk
            made = Webhook.objects.establish(owner, site=site(request), **form.cleaned_data)
        except TooMany:
            form.add_error(None, too_many())
        else:
            return shown(request, made, secret=made.secret)
    context = panel(request) | {"webhook_form": form}
    return render(request, "account/webhooks.html", context, status=400)


def too_many() -> str:
    return gettext("You have %(most)s webhooks, which is the most. Delete one first.") % {
        "most": MOST
    }


def shown(
    request: HttpRequest, webhook: Webhook, form: WebhookForm | None = None, secret: str = ""
) -> HttpResponse:
    """The page of one webhook. A new secret is in the answer that made it, and nowhere else."""
    context = {
        "webhook": webhook,
        "form": form or WebhookForm(instance=webhook),
        "secret": secret,
        "deliveries": webhook.deliveries.defer("body")[:LISTED],
    }
    status = 400 if form and form.errors else 200
    return render(request, "account/webhook.html", context, status=status)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: HttpRequest, webhook: UUID) -> HttpResponse:
    found = get_object_or_404(mine(request), pk=webhook)
    if request.method != "POST":
        return shown(request, found)
    form = WebhookForm(request.POST, instance=found)
    if not form.is_valid():
        found.refresh_from_db()  # the heading names the address that is in use
        return shown(request, found, form)
    form.save(commit=False)
    found.save(update_fields=WebhookForm.Meta.fields)
    messages.success(request, gettext("Your changes are saved."))
    return redirect("webhook", found.pk)


@login_required
@never_cache
@require_POST
def rotate(request: HttpRequest, webhook: UUID) -> HttpResponse:
    found = get_object_or_404(mine(request), pk=webhook)
    found.rotate()
    return shown(request, found, secret=found.secret)


@login_required
@require_POST
def switch(request: HttpRequest, webhook: UUID) -> HttpResponse:
    found = get_object_or_404(mine(request), pk=webhook)
    found.switch("on" in request.POST)
    return redirect("webhook", found.pk)


@login_required
@require_POST
def remove(request: HttpRequest, webhook: UUID) -> HttpResponse:
    get_object_or_404(mine(request), pk=webhook).delete()
    messages.success(request, gettext("The webhook is deleted."))
    return redirect("webhooks")


@login_required
@require_POST
def test(request: HttpRequest, webhook: UUID) -> HttpResponse:
    found = get_object_or_404(mine(request), pk=webhook)
    return sent(request, found, lambda: events.test(found))


@login_required
@require_POST
def replay(request: HttpRequest, webhook: UUID, delivery: UUID) -> HttpResponse:
    found = get_object_or_404(mine(request), pk=webhook)
    row = get_object_or_404(found.deliveries, pk=delivery)
    return sent(request, found, lambda: Delivery.objects.replay(row))


def sent(request: HttpRequest, found: Webhook, action: Callable[[], object]) -> HttpResponse:
    """Do what sends a message, and say so."""
    if not found.enabled:
        messages.error(request, gettext("Turn the webhook on first."))
        return redirect("webhook", found.pk)
    try:
        action()
    except TooSoon:
        messages.error(request, gettext("This was sent a moment ago. Wait ten seconds."))
    else:
        messages.success(request, gettext("The message is on its way. Reload to see how it went."))
    return redirect("webhook", found.pk)
