"""One token of an account."""

import uuid
from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken

from accounts.tokens.limits import LONGEST_NAME


class Token(AbstractAuthToken):  # type: ignore[misc]
    # The primary key is the hash, which leaves the server no more than the token does.
    id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=LONGEST_NAME)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created"]
        verbose_name = _("token")
        verbose_name_plural = _("tokens")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def issue(cls, user: models.Model, name: str, days: int) -> tuple["Token", str]:
        """A new token and its text, which nobody can read again."""
        token, text = cls.objects.create(user, expiry=timedelta(days=days), name=name)
        return token, text
