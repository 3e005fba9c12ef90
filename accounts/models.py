"""Who you are: an e-mail address and a password. No name is asked for, so none can leak."""

import uuid
from datetime import timedelta
from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

UNCONFIRMED = timedelta(days=3)  # as long as the link is good


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Who has a shell on the server need not prove an address."""
        with transaction.atomic(using=self._db):
            user = self.create_user(email, password, is_staff=True, is_superuser=True, **fields)
            user.vouch()
        return user

    def forget_unconfirmed(self) -> None:
        """Whoever gave an address and never opened its link; it may be somebody else's."""
        addresses = EmailAddress.objects.filter(user=OuterRef("pk"))
        self.filter(
            Exists(addresses.filter(verified=False)),
            ~Exists(addresses.filter(verified=True)),
            last_login=None,
            date_joined__lt=timezone.now() - UNCONFIRMED,
        ).delete()


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]
    """A user whose id tells nobody how many users there are."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)  # lower case
    is_staff = models.BooleanField(_("may use the administration"), default=False)
    is_active = models.BooleanField(_("may sign in"), default=True)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now)

    objects = UserManager()

    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        self.email = self.email.lower()

    def vouch(self) -> None:
        """Take the address as confirmed, because who runs the server gave it."""
        EmailAddress.objects.filter(user=self).delete()
        EmailAddress.objects.create(user=self, email=self.email, verified=True, primary=True)


from accounts.tokens.model import Token  # noqa: E402, F401  a model of this app
