"""Make and revoke tokens on the page of an account."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.tokens.forms import TokenForm
from accounts.tokens.limits import MOST
from accounts.tokens.model import Token


def owner(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # the views ask for a sign-in
    return request.user


def panel(request: HttpRequest) -> dict[str, Any]:
    """What account/_tokens.html shows."""
    rows = list(Token.objects.filter(user=owner(request)))
    return {
        "tokens": rows,
        "tokens_full": len(rows) >= MOST,
        "token_form": TokenForm(owner(request)),
    }


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("text")
def tokens(request: HttpRequest) -> HttpResponse:
    """The tokens of an account. A new one is shown in the answer that made it, and kept nowhere."""
    made: dict[str, Any] = {}
    if request.method == "POST":
        form = TokenForm(owner(request), request.POST)
        made = {"text": form.issue()[1]} if form.is_valid() else {"token_form": form}
    status = 400 if "token_form" in made else 200
    return render(request, "account/tokens.html", panel(request) | made, status=status)


@login_required
@require_POST
def revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    token = get_object_or_404(Token, id=pk, user=owner(request))
    token.delete()
    messages.success(request, gettext("The token “%(name)s” is revoked.") % {"name": token.name})
    return redirect("tokens")
