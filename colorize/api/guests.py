"""Who calls: a signed-in user or a guest, both by session."""

from typing import Any

from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

BROWSERS = ("HTTP_ORIGIN", "HTTP_REFERER", "HTTP_SEC_FETCH_SITE")


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
