"""Who calls: an account by token, or an account or a guest by session."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext
from knox.auth import TokenAuthentication
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from colorize.errors import tell

BROWSERS = ("HTTP_ORIGIN", "HTTP_REFERER", "HTTP_SEC_FETCH_SITE")
WRITTEN = re.compile(rb"[A-Za-z0-9_]{16,200}")


class Tokens(TokenAuthentication):  # type: ignore[misc]
    """`Authorization: Bearer coloria_...`. A browser sends no such header by itself, so nothing can
    be forged with it. Asked once per request: rate limits must know it before the view does.
    """

    def authenticate(self, request: Request | HttpRequest) -> tuple[Any, Any] | None:
        bare: Any = getattr(request, "_request", request)
        if not hasattr(bare, "bearer"):
            try:
                bare.bearer = super().authenticate(bare)
            except AuthenticationFailed as error:
                bare.bearer = error
        if isinstance(bare.bearer, AuthenticationFailed):
            raise AuthenticationFailed(
                gettext("This token is wrong, revoked or has ended. Make a new one.")
            )
        found: tuple[Any, Any] | None = bare.bearer
        return found

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        if not WRITTEN.fullmatch(token):
            raise AuthenticationFailed
        found: tuple[Any, Any] = super().authenticate_credentials(token)
        return found


def token_or_session(
    view: Callable[..., HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """For addresses outside the API that its JSON names: a program fetches them with its token."""

    @wraps(view)
    def signed_in(request: HttpRequest, *args: Any, **named: Any) -> HttpResponseBase:
        try:
            found = Tokens().authenticate(request)
        except AuthenticationFailed as error:
            return tell(request, 401, "authentication_failed", str(error.detail))
        if found:
            request.user, request.auth = found  # type: ignore[attr-defined]
        return view(request, *args, **named)

    return signed_in


class SessionOrGuest(SessionAuthentication):
    """A guest's session is worth as much as a user's, so it is guarded like one: Django REST
    framework by itself checks CSRF for users only. A program's requests cannot be forged; a
    browser tells where each comes from, and SameSite=Lax stands behind one too old to.
    """

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        bare = request._request
        if any(header in bare.META for header in BROWSERS):
            self.enforce_csrf(request)
        user = getattr(bare, "user", None)
        return (user, None) if user is not None and user.is_active else None
