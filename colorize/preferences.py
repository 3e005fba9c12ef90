"""What a visitor wants kept of a file's name: an account's choice is a row, a guest's lies in the
session.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

NAMELESS = "nameless"  # in a guest's session
UNNAMED = "photo"  # stands where a name would


class Preferences(models.Model):
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    nameless = models.BooleanField(_("file names are not stored"), default=False)

    class Meta:
        verbose_name = verbose_name_plural = _("preferences")

    def __str__(self) -> str:
        return str(self.pk)


def nameless(request: HttpRequest) -> bool:
    """Whether the names of this visitor's files are not to be stored."""
    if request.user.is_authenticated:
        return Preferences.objects.filter(pk=request.user.pk, nameless=True).exists()
    return bool(request.session.get(NAMELESS))


def set_nameless(request: HttpRequest, wanted: bool) -> None:
    user: Any = request.user
    if user.is_authenticated:
        Preferences.objects.update_or_create(user=user, defaults={"nameless": wanted})
    else:
        request.session[NAMELESS] = wanted
