"""Who calls: a signed-in user or a guest, both by session."""

from typing import Any

from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request


class SessionOrGuest(SessionAuthentication):
    """A guest's session is worth as much as a user's, so it is guarded like one: Django REST
    framework by itself checks CSRF for users only. A caller that is no browser (no cookie, no
    Origin) has nothing to be forged.
    """

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        bare = request._request
        if bare.COOKIES or "HTTP_ORIGIN" in bare.META:
            self.enforce_csrf(request)
        user = getattr(bare, "user", None)
        return (user, None) if user is not None and user.is_active else None
