"""A guest's photos move to the account at sign-in and sign-up, and nobody else's do."""

from django.test import Client

from colorize.models import Job, Once, Photo
from tests.accounts.base import AccountTestCase, link, member
from tests.base import upload


class MoveTests(AccountTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = member()

    def test_they_move_at_sign_in_with_what_is_being_coloured(self) -> None:
        done, waiting = self.coloured(), self.send()
        self.sign_in(self.alice)
        assert set(Photo.objects.filter(owner=self.user, guest="")) == {done, waiting}
        self.run_worker()
        assert self.job(waiting).state == Job.State.DONE
        assert self.statuses(done) == self.statuses(waiting) == {200}

    def test_they_are_there_in_another_browser(self) -> None:
        photo = self.coloured()
        self.sign_in(self.alice)
        self.alice = Client()
        self.sign_in(self.alice)
        assert self.statuses(photo) == {200}

    def test_they_move_when_a_new_address_is_confirmed(self) -> None:
        photo = self.send(self.bob)
        self.sign_up(self.bob, "bob@example.org")
        photo.refresh_from_db()
        assert photo.owner is None
        self.bob.post(link())
        photo.refresh_from_db()
        assert photo.owner and photo.owner.email == "bob@example.org"

    def test_their_keys_end(self) -> None:
        fields = {"image": upload(), "model": "fake"}
        self.alice.post("/api/v1/photos", fields, headers={"Idempotency-Key": "1"})
        assert Once.objects.exists()
        self.sign_in(self.alice)
        assert not Once.objects.exists()

    def test_another_guests_do_not(self) -> None:
        theirs = self.send(self.bob)
        self.send()
        self.sign_in(self.alice)
        theirs.refresh_from_db()
        assert theirs.owner is None and theirs.guest

    def test_what_was_arriving_during_the_sign_in_stays_in_sight_and_moves_at_its_end(self) -> None:
        """The upload began as a guest's; its row is written after the move."""
        token = Photo.objects.get(pk=self.send().pk).guest
        self.sign_in(self.alice)
        late = self.send()
        Photo.objects.filter(pk=late.pk).update(owner=None, guest=token)
        assert self.alice.get(f"/photos/{late.pk}/").status_code == 200
        self.alice.post("/accounts/logout/")
        late.refresh_from_db()
        assert late.owner == self.user

    def test_they_do_not_follow_to_a_second_account(self) -> None:
        """Two people at one computer."""
        photo = self.send()
        self.sign_in(self.alice)
        self.alice.post("/accounts/logout/")
        member("eve@example.org")
        self.sign_in(self.alice, "eve@example.org")
        photo.refresh_from_db()
        assert photo.owner == self.user
        assert self.alice.get(f"/photos/{photo.pk}/").status_code == 404

    def test_after_signing_out_the_browser_sees_them_no_more(self) -> None:
        photo = self.send()
        self.sign_in(self.alice)
        self.alice.post("/accounts/logout/")
        assert self.alice.get(f"/photos/{photo.pk}/").status_code == 404
