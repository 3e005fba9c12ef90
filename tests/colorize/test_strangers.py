"""Bob sees nothing of Alice's: 404 wherever a photo or a job is named (S135)."""

import re
from collections.abc import Iterator
from typing import Any

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from colorize.models import Job, Photo
from tests.base import BaseTestCase, media


def patterns(resolver: URLResolver | None = None, prefix: str = "/") -> Iterator[str]:
    """Every address of the site, as a pattern."""
    for found in (resolver or get_resolver()).url_patterns:
        address = prefix + str(found.pattern)
        if isinstance(found, URLResolver):
            yield from patterns(found, address)
        elif isinstance(found, URLPattern):
            yield address


def private() -> list[str]:
    """Those that name a photo or a job; asked of the URLconf, so none is forgotten."""
    return [found for found in patterns() if re.search(r"(photos|jobs|download)/<uuid:pk>", found)]


class StrangerTests(BaseTestCase):
    def visits(self, client: Client, photo: Photo) -> Iterator[tuple[str, Any]]:
        for pattern in private():
            pk = photo.pk if "photos" in pattern else self.job(photo).pk
            address = re.sub(r"<uuid:pk>", str(pk), pattern)
            for method in ("get", "post", "delete"):
                yield f"{method} {address}", getattr(client, method)(address)

    def test_there_is_something_to_guard(self) -> None:
        assert len(private()) >= 9

    def test_bob_gets_404_everywhere(self) -> None:
        photo = self.coloured()
        for visit, answer in self.visits(self.bob, photo):
            with self.subTest(visit):
                assert answer.status_code in (404, 405)

    def test_bob_with_photos_of_his_own_gets_404_everywhere(self) -> None:
        photo = self.coloured()
        self.send(self.bob)
        for visit, answer in self.visits(self.bob, photo):
            with self.subTest(visit):
                assert answer.status_code in (404, 405)

    def test_a_signed_in_stranger_gets_404_everywhere(self) -> None:
        photo = self.coloured()
        self.bob.force_login(User.objects.create_user("bob"))
        for visit, answer in self.visits(self.bob, photo):
            with self.subTest(visit):
                assert answer.status_code in (404, 405)

    def test_bobs_visits_changed_nothing(self) -> None:
        photo = self.coloured()
        list(self.visits(self.bob, photo))
        assert self.statuses(photo) == {200}
        assert self.job(photo).state == Job.State.DONE and len(media()) == 4

    def test_a_stranger_learns_no_difference_between_gone_and_never_there(self) -> None:
        photo = self.coloured()
        photo.purge()
        assert self.bob.get(f"/download/{self.job(photo).pk}").status_code == 404

    def test_bobs_history_is_empty(self) -> None:
        self.coloured(name="secret-aunt.png")
        assert "secret-aunt" not in self.bob.get("/history/").content.decode()

    def test_a_guests_photos_stay_theirs_after_signing_in(self) -> None:
        photo = self.coloured()
        self.alice.force_login(User.objects.create_user("alice"))
        assert self.statuses(photo) == {200}

    def test_an_account_sees_its_photos_from_another_browser(self) -> None:
        alice = User.objects.create_user("alice")
        self.alice.force_login(alice)
        photo = self.coloured()
        self.alice = Client()
        assert self.statuses(photo) == {404}
        self.alice.force_login(alice)
        assert self.statuses(photo) == {200}
