"""Whose photo is it? A guest's photos belong to the browser session, by a token of their own: the
session's key changes at sign-in and is a secret, the token does neither and is not.
"""

import secrets
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest

from colorize import preferences
from colorize.models import Job, Once, Photo
from colorize.photos import PhotoQuerySet

TOKEN = "guest"


def mine(request: HttpRequest, prefix: str = "") -> Q:
    """What this visitor may see; `prefix` leads to the photo."""
    owned = Q(pk__in=[])
    if request.user.is_authenticated:
        owned |= Q(**{f"{prefix}owner": request.user})
    # A program that shows a token has no session, whatever cookies came along.
    if not getattr(request, "auth", None) and (token := request.session.get(TOKEN)):
        owned |= Q(**{f"{prefix}guest": token})
    return owned


def keys(request: HttpRequest) -> QuerySet[Once]:
    """What this visitor's idempotency keys have made, before a sign-in too."""
    owners = [str(request.user.pk), request.session.get(TOKEN, "")]
    return Once.objects.filter(owner__in=owners)


def photos(request: HttpRequest) -> PhotoQuerySet:
    return Photo.objects.filter(mine(request)).prefetch_related("jobs")


def history(request: HttpRequest) -> PhotoQuerySet:
    """All photos of this visitor, of which an account may have thousands: by its index alone they
    come in order. After a sign-in the session's token hardly ever has photos of its own.
    """
    if not request.user.is_authenticated:
        return photos(request)
    token = request.session.get(TOKEN)
    if token and Photo.objects.filter(guest=token).exists():
        return photos(request)
    return Photo.objects.filter(owner=request.user).prefetch_related("jobs")


def photo(request: HttpRequest, pk: UUID) -> Photo:
    """Raises Http404 for a stranger as for an id that never was."""
    found = photos(request).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def job(request: HttpRequest, pk: UUID) -> Job:
    found = Job.objects.filter(mine(request, "photo__"), pk=pk).select_related("photo").first()
    if found is None:
        raise Http404
    return found


def adopt(request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    """What a guest sent becomes the account's: at sign-in, and at sign-out what was just arriving
    then. The session keeps its token until it ends, so nothing in between is out of sight.
    """
    token = request.session.get(TOKEN) if request and hasattr(request, "session") else None
    if token and user:
        Once.objects.filter(owner=token).delete()  # keys do not move: the account may use them too
        Photo.objects.filter(guest=token).update(owner=user, guest="")


def forget(instance: Any, **kwargs: Any) -> None:
    """An account is about to be deleted: its files go now, its jobs end. The rows follow it."""
    Once.objects.filter(owner=str(instance.pk)).delete()
    for photo in Photo.objects.filter(owner=instance, purged=None):
        photo.purge()


def belongings(request: HttpRequest) -> dict[str, Any]:
    """Who a new photo belongs to, as Photo.objects.submit takes it."""
    whose: dict[str, Any] = {"nameless": preferences.nameless(request)}
    if request.user.is_authenticated:
        return whose | {"owner_id": request.user.pk}
    if TOKEN not in request.session:
        request.session[TOKEN] = secrets.token_hex(16)
    return whose | {"guest": request.session[TOKEN]}
