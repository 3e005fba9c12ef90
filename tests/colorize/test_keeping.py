"""Longer keeping: an account's, per photo, off unless asked for, with its date (S183, S186)."""

from datetime import timedelta
from typing import Any

from django.test import override_settings

from accounts.models import User
from colorize.models import Job, Photo
from colorize.sweep import sweep
from tests.base import NOON, BaseTestCase, at, media, minutes

SOON = minutes(1)


def days(count: float) -> timedelta:
    return timedelta(days=count)


class KeepingTests(BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = User.objects.create_user("alice@example.org")
        with at(NOON):
            self.alice.force_login(self.user)
            self.photo = self.coloured()

    def keep(self, count: int | str, after: timedelta = SOON) -> Any:
        with at(NOON + after):
            answer = self.alice.post(f"/photos/{self.photo.pk}/keep", {"days": str(count)})
        self.photo.refresh_from_db()
        return answer

    def statuses_after(self, after: timedelta) -> set[int]:
        with at(NOON + after):
            sweep()
            self.alice.force_login(self.user)  # a session does not last as long
            return self.statuses(self.photo)

    def page(self, after: timedelta) -> str:
        with at(NOON + after):
            return str(self.alice.get(f"/photos/{self.photo.pk}/").content.decode())

    def test_nothing_is_kept_unless_somebody_asks(self) -> None:
        assert self.photo.kept is None and self.photo.deadline == NOON + minutes(10)
        assert self.statuses_after(minutes(10.1)) == {410}

    def test_a_photo_is_kept_until_its_date_and_no_longer(self) -> None:
        assert self.keep(7).status_code == 302
        assert self.statuses_after(days(7)) == {200}
        assert self.statuses_after(days(7) + minutes(1.1)) == {410}
        assert media() == [] or sweep().orphans

    def test_its_pages_show_the_date_and_promise_nothing_else(self) -> None:
        self.keep(7)
        page = self.page(minutes(2))
        assert "kept until 8 March 2026, 12:01 UTC, as you asked" in page
        assert "deleted in" not in page.partition("<main")[2].partition("</main>")[0]
        assert "ten minutes begin again" not in page
        with at(NOON + minutes(2)):
            assert "as you asked" in self.alice.get("/history/").content.decode()

    def test_other_pages_name_the_exception_to_who_may_make_it(self) -> None:
        with at(NOON):
            for path in ("/", "/history/", "/how-it-works/"):
                footer = self.alice.get(path).content.decode().partition("<footer")[2]
                assert "unless you keep one" in footer, path
                footer = self.bob.get(path).content.decode().partition("<footer")[2]
                assert "unless" not in footer, path

    def test_what_is_said_afterwards_is_true(self) -> None:
        self.keep(1)
        with at(NOON + days(1) + minutes(2)):
            answer = self.alice.get(f"/api/v1/jobs/{self.job(self.photo).pk}/download")
        detail = "Deleted on 2026-03-02 12:01 UTC, until when you had kept it."
        assert answer.json()["detail"] == detail and answer.json()["code"] == "expired"

    def test_a_new_version_of_a_kept_photo_is_kept_as_long(self) -> None:
        self.keep(7)
        with at(NOON + days(1)):
            self.alice.post(f"/photos/{self.photo.pk}/jobs", {"model": "plain"})
            self.run_worker()
        self.photo.refresh_from_db()
        assert self.photo.deadline == NOON + minutes(1) + days(7)

    def test_a_job_at_the_end_of_the_time_still_gets_its_ten_minutes(self) -> None:
        self.keep(1)
        with at(NOON + days(1)):
            self.alice.post(f"/photos/{self.photo.pk}/jobs", {"model": "plain"})
            self.run_worker()
        self.photo.refresh_from_db()
        assert self.photo.deadline == NOON + days(1) + minutes(10)

    def test_keeping_a_photo_in_work_does_not_shorten_its_time(self) -> None:
        with at(NOON):
            self.photo = self.send()
        self.keep(7)
        with at(NOON + minutes(15)):
            self.run_worker()
        assert Job.objects.get(photo=self.photo).state == Job.State.DONE
        self.photo.refresh_from_db()
        assert self.photo.deadline == NOON + minutes(1) + days(7)

    def test_it_can_be_taken_back(self) -> None:
        self.keep(7)
        self.keep(0, days(1))
        assert self.photo.kept is None
        assert self.photo.deadline == NOON + days(1) + minutes(10)

    def test_taking_nothing_back_prolongs_nothing(self) -> None:
        self.keep(0, minutes(5))
        assert self.photo.deadline == NOON + minutes(10)

    def test_delete_now_still_deletes_now(self) -> None:
        self.keep(7)
        with at(NOON + minutes(2)):
            self.alice.post(f"/photos/{self.photo.pk}/delete")
        assert media() == []

    def test_what_is_gone_cannot_be_kept(self) -> None:
        assert self.keep(7, minutes(10.1)).status_code == 410
        assert self.photo.kept is None

    def test_a_guest_cannot_keep(self) -> None:
        with at(NOON):
            photo = self.coloured(client=self.bob)
            answer = self.bob.post(f"/photos/{photo.pk}/keep", {"days": "7"})
            page = self.bob.get(f"/photos/{photo.pk}/").content.decode()
        assert answer.status_code == 403
        assert "Keep it longer" not in page

    def test_a_stranger_cannot_keep(self) -> None:
        with at(NOON):
            self.bob.force_login(User.objects.create_user("bob@example.org"))
            answer = self.bob.post(f"/photos/{self.photo.pk}/keep", {"days": "7"})
        assert answer.status_code == 404

    def test_nobody_keeps_longer_than_the_administrator_allows(self) -> None:
        for wrong in (31, 365, -1, "", "x", "\u0667"):
            assert self.keep(wrong).status_code == 400, wrong
        assert self.keep(30).status_code == 302

    @override_settings(COLORIA_KEEP_MAX=0)
    def test_where_nothing_may_be_kept_nobody_is_offered_it(self) -> None:
        assert self.keep(1).status_code == 400
        assert "Keep it longer" not in self.page(minutes(1))
        with at(NOON):
            assert "unless" not in self.alice.get("/").content.decode().partition("<footer")[2]

    def test_the_account_page_counts_what_is_kept(self) -> None:
        self.keep(7)
        with at(NOON + minutes(2)):
            page = self.alice.get("/accounts/").content.decode()
        assert "You are keeping 1 photo." in page and "for up to 30 days" in page

    def test_kept_photos_go_with_the_account(self) -> None:
        self.keep(7)
        with at(NOON + minutes(2)), self.captureOnCommitCallbacks(execute=True):
            self.user.delete()
        assert media() == [] and not Photo.objects.exists()
