"""Where django-allauth's behaviour is not ours."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.ratelimit import respond_429
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.forms import BaseForm
from django.http import HttpRequest
from django.urls import reverse


class Adapter(DefaultAccountAdapter):
    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Too many wrong passwords end in 429, as every limit does, not in a page with status
        200."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as error:
            raise ImmediateHttpResponse(respond_429(request)) from error

    def send_account_already_exists_mail(self, email: str) -> None:
        """Signing up hashes a password, which takes a while; here nobody needs the hash, but a
        quicker answer would tell that the address is known.
        """
        make_password(email)
        super().send_account_already_exists_mail(email)

    def save_user(
        self, request: HttpRequest, user: AbstractBaseUser, form: BaseForm, commit: bool = True
    ) -> AbstractBaseUser:
        """Of two sign-ups with one address at the same moment, the second gets the same answer."""
        try:
            with transaction.atomic():
                return super().save_user(request, user, form, commit)
        except IntegrityError as error:
            answer = self.respond_email_verification_sent(request, None)
            raise ImmediateHttpResponse(answer) from error

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account")
