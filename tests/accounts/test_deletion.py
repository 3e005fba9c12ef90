"""Delete my account: rows gone, files gone, work ended, and a page that says so."""

from typing import Any

from django.apps import apps
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from colorize.models import Job, Photo
from tests.accounts.base import PASSWORD, AccountTestCase, member
from tests.base import media, upload
from tests.fakes import InlineHost


def traces(user: User) -> list[str]:
    """Every row of every table that still names the user, by id or address."""
    needles = (str(user.pk), user.pk.hex, user.email)
    return [
        f"{model.__name__} {row}"
        for model in apps.get_models()
        for row in model._default_manager.values()
        if any(needle in str(row) for needle in needles)
    ]


class DeletionTests(AccountTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = member()
        self.sign_in(self.alice)

    def delete(self, password: str = PASSWORD, **options: Any) -> Any:
        with self.captureOnCommitCallbacks(execute=True):
            return self.alice.post("/accounts/delete/", {"password": password}, **options)

    def test_nothing_is_left(self) -> None:
        self.coloured(name="aunt.png")
        self.send(name="uncle.png")
        fields = {"image": upload(), "model": "fake"}
        self.alice.post("/api/v1/photos", fields, headers={"Idempotency-Key": "1"})
        assert len(media()) > 2 and traces(self.user)
        self.assertRedirects(self.delete(), "/accounts/deleted/")
        assert media() == [] and traces(self.user) == []
        assert not Photo.objects.exists() and not Job.objects.exists()

    def test_the_page_says_so_once(self) -> None:
        self.assertContains(self.delete(follow=True), "Your account is deleted")
        self.assertRedirects(self.alice.get("/accounts/deleted/"), "/")

    def test_it_takes_the_password(self) -> None:
        self.send()
        self.alice.get("/accounts/delete/")
        assert self.delete("guess").status_code == 200
        assert User.objects.exists() and len(media()) == 1

    def test_other_peoples_photos_stay(self) -> None:
        theirs = self.send(self.bob)
        self.send()
        self.delete()
        assert Photo.objects.get() == theirs and len(media()) == 1

    def test_every_session_ends(self) -> None:
        elsewhere = Client()
        self.sign_in(elsewhere)
        self.send(self.bob)  # a guest's session
        self.delete()
        assert not self.is_in(elsewhere)
        kept = [row.get_decoded() for row in Session.objects.all()]
        assert len(kept) == 2 and not any("_auth_user_id" in found for found in kept)

    def test_a_job_that_runs_meanwhile_leaves_nothing(self) -> None:
        test = self

        class Slow(InlineHost):
            def colorize(self, *arguments: Any, **options: Any) -> Any:
                painted = super().colorize(*arguments, **options)
                test.delete()
                return painted

        self.send()
        self.run_worker(Slow())
        assert media() == [] and not Job.objects.exists()

    def test_the_address_may_come_back(self) -> None:
        self.delete()
        assert self.sign_up(Client()).status_code == 302 and User.objects.count() == 1
