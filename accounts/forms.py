"""django-allauth's forms in our words: a label says it, so no placeholder repeats it."""

from typing import Any

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from allauth.account.fields import PasswordField
from django import forms
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.tokens.model import Token

EMAIL = _("E-mail address")
PASSWORD = _("Password")
NEW = _("New password")
AGAIN = _("New password, once more")
RULES = _("At least 8 characters, not only digits, and not a password that many people use.")


class Plain(forms.Form):
    labels: dict[str, Any] = {}
    hints: dict[str, Any] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            field.help_text = self.hints.get(name, "")


class SignInForm(Plain, allauth.LoginForm):
    labels = {
        "login": EMAIL,
        "password": PASSWORD,
        "remember": _("Stay signed in on this computer"),
    }


class SignUpForm(Plain, allauth.SignupForm):
    labels = {"email": EMAIL, "password1": PASSWORD}
    hints = {"password1": RULES}

    def try_save(self, request: HttpRequest) -> Any:
        User.objects.forget_unconfirmed()
        return super().try_save(request)


class AskResetForm(Plain, allauth.ResetPasswordForm):
    labels = {"email": EMAIL}


class ResetForm(Plain, allauth.ResetPasswordKeyForm):
    labels = {"password1": NEW, "password2": AGAIN}
    hints = {"password1": RULES}

    def save(self) -> None:
        """Somebody else may have had the account: nothing that opened it before opens it now.
        Sessions end because they hold the hash of the old password.
        """
        with transaction.atomic():
            super().save()
            Token.objects.filter(user=self.user).delete()


class SetForm(Plain, allauth.SetPasswordForm):
    labels = {"password1": NEW, "password2": AGAIN}
    hints = {"password1": RULES}


class ChangeForm(Plain, allauth.ChangePasswordForm):
    labels = {"oldpassword": _("Your password today"), "password1": NEW, "password2": AGAIN}
    hints = {"password1": RULES}


class NewEmailForm(Plain, allauth.AddEmailForm):
    labels = {"email": _("New e-mail address")}


class ReauthenticateForm(Plain, allauth.ReauthenticateForm):
    labels = {"password": PASSWORD}


class DeleteForm(Plain):
    """What only the owner of the account can fill in."""

    labels = {"password": PASSWORD}
    password = PasswordField(label=PASSWORD, autocomplete="current-password")

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if not get_adapter().reauthenticate(self.user, password):
            raise get_adapter().validation_error("incorrect_password")
        return password
