"""History keeps what was done, never what is in the picture (S183)."""

import hashlib
import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.test import Client, override_settings
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from colorize.models import Job, Photo, Preferences
from colorize.sweep import sweep
from tests.base import NOON, at, media, minutes, picture, upload
from tests.colorize.past import HistoryTestCase, dump, exported
from tests.fakes import BYTES

PLANTED = "planted-8d1f"  # looked for everywhere afterwards


class KeptTests(HistoryTestCase):
    def test_history_keeps_what_was_done(self) -> None:
        """Times, state, model, weights' hash, settings, width, height, format, bytes, seconds."""
        photo = self.coloured(strength="1.4", seed="7")
        photo.purge()
        (row,) = exported(self.alice)
        job = row["jobs"][0]
        assert (row["width"], row["height"], row["format"]) == (24, 16, "PNG")
        assert row["bytes"] > 0 and row["sent"] and row["deleted"]
        assert (job["model"], job["state"], job["settings"]["strength"]) == ("fake", "done", 1.4)
        assert job["started"] and job["finished"] and job["seconds"] >= 0

    def test_history_keeps_the_hash_of_the_weights(self) -> None:
        photo = self.coloured()
        assert self.job(photo).weights == hashlib.sha256(BYTES).hexdigest()

    def test_history_keeps_hints(self) -> None:
        hints = [{"x": 0.5, "y": 0.25, "rgb": [170, 60, 40]}]
        photo = self.coloured(hints=json.dumps(hints))
        photo.purge()
        assert self.job(photo).settings["hints"] == hints
        assert "Colour hints" in self.page()

    def test_history_keeps_how_a_job_ended_when_its_files_are_gone(self) -> None:
        done, failed, cancelled = self.send(), self.send(seed=101), self.send()
        Job.objects.cancel(self.job(cancelled).pk)
        self.run_worker()
        for photo in (done, failed, cancelled):
            photo.purge()
        ended = [self.job(photo).outcome for photo in (done, failed, cancelled)]
        assert ended == ["done", "failed", "cancelled"]
        page = self.page()
        assert "coloured in" in page and "We ran out of time" in page and "cancelled" in page

    def test_a_photo_deleted_while_in_work_was_cancelled(self) -> None:
        photo = self.send()
        photo.purge()
        assert (self.job(photo).state, self.job(photo).outcome) == ("expired", "cancelled")

    def test_nothing_of_the_picture_is_left_anywhere(self) -> None:
        """No pixels, no EXIF, no text of the file: not in a row, not on the disk."""
        exif, text = Image.Exif(), PngInfo()
        exif[0x010E] = PLANTED
        text.add_text("Comment", PLANTED)
        sent = picture(exif=exif, pnginfo=text)
        assert sent.count(PLANTED.encode()) == 2
        with at(NOON):
            self.coloured(image=upload("aunt.png", sent))
        with at(NOON + minutes(11)):
            sweep()
        assert media() == []
        assert PLANTED not in dump()

    def test_a_row_has_no_field_for_a_picture(self) -> None:
        """A new field is a new promise: think before it is added here."""
        photo = {field.name for field in Photo._meta.concrete_fields}
        assert photo == {
            "id", "owner", "guest", "name", "title", "file", "preview", "format", "width", "height",
            "bytes", "created", "deadline", "kept", "purged",
        }  # fmt: skip

    def test_no_thumbnail_stays_on_the_server(self) -> None:
        photo = self.coloured()
        photo.purge()
        page = self.page()
        assert f'data-remembered="{photo.pk}"' in page  # the device's own, if it has one
        assert "<img" not in page.partition("<main")[2].partition("</main>")[0]


class TitleTests(HistoryTestCase):
    def rename(self, photo: Photo, title: str, **fields: Any) -> Any:
        return self.alice.post(f"/photos/{photo.pk}/title", {"title": title} | fields)

    def test_the_title_is_the_file_name_without_its_path(self) -> None:
        photo = self.coloured(name="C/family/aunt.png")
        assert "aunt.png" in self.page() and "family" not in self.page()
        assert photo.title == ""

    def test_a_title_can_be_given_and_taken_back(self) -> None:
        photo = self.coloured(name="scan_0017.png")
        self.rename(photo, "Aunt Rose, 1931")
        assert "Aunt Rose, 1931" in self.page()
        assert "Aunt Rose, 1931" in self.alice.get(f"/photos/{photo.pk}/").content.decode()
        self.rename(photo, " ")
        assert "Aunt Rose" not in self.page()

    def test_a_title_is_text(self) -> None:
        photo = self.coloured()
        self.rename(photo, "<b>x</b>\x00\n" + "y" * 300)
        photo.refresh_from_db()
        assert len(photo.title) == 200 and photo.title.isprintable()
        assert "<b>x</b>" not in self.page()

    def test_renaming_leads_back_to_the_same_page_of_the_list_and_nowhere_else(self) -> None:
        photo = self.coloured()
        answer = self.rename(photo, "x", query="state=done&page=2")
        assert answer.url == f"/history/?state=done&page=2#row-{photo.pk}"
        answer = self.rename(photo, "x", query="//evil.example/")
        assert answer.url.startswith("/history/?") and "//evil" not in answer.url

    def test_the_download_keeps_the_name_of_the_file(self) -> None:
        photo = self.coloured(name="aunt.png")
        self.rename(photo, "Rose")
        answer = self.alice.get(f"/download/{self.job(photo).pk}")
        assert 'filename="aunt_fake.png"' in answer["Content-Disposition"]


class NameTests(HistoryTestCase):
    def switch(self, on: bool, client: Client | None = None) -> None:
        fields = {"nameless": "on"} if on else {}
        assert (client or self.alice).post("/history/names", fields).status_code == 302

    def send_two(self, key: str) -> None:
        """One of them is refused."""
        photos = [upload(), upload("secret-aunt.png", b"no photo")]
        fields = {"photos": photos, "model": "fake"}
        answer = self.alice.post("/api/v1/upload", fields, headers={"Idempotency-Key": key})
        assert answer.status_code == 202

    def test_file_names_are_not_stored_if_a_guest_says_so(self) -> None:
        self.switch(True)
        assert self.coloured(name="secret-aunt.png").name == "photo"
        assert "secret-aunt" not in dump()

    def test_file_names_are_not_stored_if_an_account_says_so(self) -> None:
        self.sign_in()
        self.switch(True)
        assert Preferences.objects.get(user=self.user).nameless
        assert self.coloured(name="secret-aunt.png").name == "photo"

    def test_those_that_were_stored_are_forgotten_and_titles_stay(self) -> None:
        photo = self.coloured(name="secret-aunt.png")
        Photo.objects.update(title="Rose")
        self.switch(True)
        photo.refresh_from_db()
        assert (photo.name, photo.title) == ("photo", "Rose")

    def test_names_of_refused_files_are_forgotten_and_not_stored_again(self) -> None:
        self.send_two("1")
        assert "secret-aunt" in dump()
        self.switch(True)
        assert "secret-aunt" not in dump()
        self.send_two("2")
        assert "secret-aunt" not in dump()

    def test_nobody_elses_names_are_touched(self) -> None:
        photo = self.coloured(name="aunt.png")
        self.switch(True, self.bob)
        photo.refresh_from_db()
        assert photo.name == "aunt.png"

    def test_it_can_be_switched_off(self) -> None:
        self.switch(True)
        self.switch(False)
        assert self.coloured(name="aunt.png").name == "aunt.png"

    def test_a_refusal_still_names_the_file(self) -> None:
        self.switch(True)
        answer = self.alice.post("/api/v1/photos", {"image": upload("aunt.png", b"no photo")})
        assert "aunt.png" in answer.json()["detail"]


class ExpiryTests(HistoryTestCase):
    def left(self, days: float) -> int:
        cache.clear()  # else it forgets once a day
        with at(NOON + timedelta(days=days)):
            sweep()
        return Photo.objects.count()

    def test_an_accounts_rows_go_after_twelve_months(self) -> None:
        self.sign_in()
        with at(NOON):
            self.coloured().purge()
        assert self.left(364.9) == 1
        assert self.left(365.1) == 0

    @override_settings(COLORIA_HISTORY_DAYS=5)
    def test_an_administrator_may_forget_sooner(self) -> None:
        self.sign_in()
        with at(NOON):
            self.coloured().purge()
        assert self.left(4.9) == 1
        assert self.left(5.1) == 0

    def test_a_guests_rows_go_with_the_session(self) -> None:
        with at(NOON):
            self.coloured().purge()
        age = settings.SESSION_COOKIE_AGE / 86400
        assert self.left(age - 0.1) == 1
        assert self.left(age + 0.1) == 0

    def test_a_guests_history_is_in_this_browser_only(self) -> None:
        self.coloured(name="aunt.png")
        assert "aunt.png" in self.page() and "This list belongs to this browser" in self.page()
        assert "aunt.png" not in self.page(client=Client())

    def test_a_kept_photos_row_counts_from_its_deletion(self) -> None:
        self.sign_in()
        with at(NOON):
            photo = self.coloured()
            self.alice.post(f"/photos/{photo.pk}/keep", {"days": "30"})
        with at(NOON + timedelta(days=30, minutes=1)):
            sweep()
        assert self.left(394) == 1
        assert self.left(396) == 0
