"""What tests of accounts share."""

import re
from typing import Any

from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import User
from tests.base import BaseTestCase

PASSWORD = "grey-is-not-a-colour"


def link() -> str:
    """The path of the link in the newest mail."""
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found[1]


def member(email: str = "alice@example.org", **fields: Any) -> User:
    """Somebody who has signed up and confirmed the address."""
    user = User.objects.create_user(email, PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


class AccountTestCase(BaseTestCase):
    def sign_up(self, client: Client, email: str = "alice@example.org", **fields: Any) -> Any:
        fields = {"email": email, "password1": PASSWORD} | fields
        return client.post("/accounts/signup/", fields)

    def sign_in(
        self,
        client: Client,
        email: str = "alice@example.org",
        password: str = PASSWORD,
        **more: Any,
    ) -> Any:
        return client.post("/accounts/login/", {"login": email, "password": password, **more})

    def is_in(self, client: Client) -> bool:
        return client.get("/accounts/delete/").status_code == 200
