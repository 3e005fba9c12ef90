"""What every page may need to know."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from colorize.visitors import TOKEN


def page(request: HttpRequest) -> dict[str, Any]:
    return {"device": device(request), "keep_max": settings.COLORIA_KEEP_MAX}


def device(request: HttpRequest) -> str:
    """Whose small pictures a browser may hold: a mark that differs for every visitor and tells
    nothing about them. Empty for who has no photos and no account.
    """
    if request.user.is_authenticated:
        return f"account:{mark(str(request.user.pk))}"
    token = request.session.get(TOKEN, "")
    return f"guest:{mark(token)}" if token else ""


def mark(secret: str) -> str:
    return salted_hmac("colorize.context", secret).hexdigest()[:16]
