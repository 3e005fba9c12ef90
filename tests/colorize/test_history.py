"""History keeps what was done, never what is in the picture (S183)."""

import csv
import hashlib
import io
import json
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from accounts.models import User
from colorize.models import Job, Photo, Preferences
from colorize.sweep import sweep
from tests.base import NOON, BaseTestCase, at, media, minutes, picture, upload
from tests.fakes import BYTES, InlineHost

PLANTED = "planted-8d1f"  # looked for everywhere afterwards


class HistoryTestCase(BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = User.objects.create_user("alice@example.org")

    def sign_in(self) -> None:
        self.alice.force_login(self.user)

    def page(self, query: str = "", client: Client | None = None) -> str:
        answer = (client or self.alice).get(f"/history/{query}")
        assert answer.status_code == 200
        return str(answer.content.decode())

    def named(self, *names: str, query: str = "") -> set[str]:
        """Which of these names the page shows."""
        page = self.page(query)
        return {name for name in names if name in page}


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


class FilterTests(HistoryTestCase):
    def test_by_model(self) -> None:
        self.coloured(name="one.png")
        self.coloured(name="two.png", model="plain")
        assert self.named("one.png", "two.png", query="?model=plain") == {"two.png"}

    def test_by_state(self) -> None:
        self.send(name="waits.png")
        self.coloured(name="gone.png", seed=101).purge()
        live = self.send(name="live.png")
        Job.objects.cancel(self.job(live).pk)
        everything = ("waits.png", "gone.png", "live.png")
        assert self.named(*everything, query="?state=failed") == {"gone.png"}
        assert self.named(*everything, query="?state=cancelled") == {"live.png"}
        assert self.named(*everything, query="?state=live") == {"waits.png", "live.png"}

    def test_model_and_state_are_asked_of_the_same_version(self) -> None:
        photo = self.coloured(name="one.png")
        Job.objects.create(photo=photo, model="plain", state="failed", outcome="failed")
        assert self.named("one.png", query="?model=fake&state=failed") == set()
        assert self.named("one.png", query="?model=plain&state=failed") == {"one.png"}

    def test_by_date_with_both_days_in_it(self) -> None:
        for day in range(3):
            with at(NOON + timedelta(days=day)):
                self.coloured(name=f"day{day}.png")
        days = ("day0.png", "day1.png", "day2.png")
        with at(NOON + timedelta(days=3)):
            one = self.named(*days, query="?since=2026-03-02&until=2026-03-02")
            two = self.named(*days, query="?since=2026-03-02")
        assert (one, two) == ({"day1.png"}, {"day1.png", "day2.png"})

    def test_nonsense_is_left_out_and_said(self) -> None:
        self.coloured(name="one.png")
        page = self.page("?model=nonsense&since=yesterday&page=x&state=\x00")
        assert "one.png" in page and "makes no sense" in page

    def test_pages_keep_the_filter(self) -> None:
        rows(self.user, 60)
        self.sign_in()
        page = self.page("?model=fake&page=2")
        assert page.count('class="row"') == 25
        assert "?model=fake&amp;page=3" in page and "?model=fake&amp;page=1" in page
        assert self.page("?page=3").count('class="row"') == 10
        assert self.page("?page=99").count('class="row"') == 10

    def test_ten_thousand_rows_take_ten_queries_at_most(self) -> None:
        """The number does not depend on what is on the page."""
        self.sign_in()
        rows(self.user, 200)
        with CaptureQueriesContext(connection) as few:
            self.page("?model=fake&state=done&since=2020-01-01")
        for model in ("fake", "plain", "coloria"):
            photo = self.send()
            Job.objects.create(photo=photo, model=model)
        with CaptureQueriesContext(connection) as more:
            self.page()
        assert len(few) <= 10 and len(more) <= 10


class AgainTests(HistoryTestCase):
    def again(self, photo: Photo) -> str:
        return f"/jobs/{self.job(photo).pk}/again"

    def test_it_runs_again_with_the_same_settings_while_the_photo_is_here(self) -> None:
        photo = self.coloured(strength="1.4", seed="7", hints='[{"x":0,"y":1,"rgb":[1,2,3]}]')
        answer = self.alice.post(self.again(photo))
        first, second = photo.jobs.all()
        assert answer.url == f"/photos/{photo.pk}/#version-{second.pk}"
        assert (second.model, second.settings) == (first.model, first.settings)

    def test_it_asks_for_the_file_when_the_photo_is_gone(self) -> None:
        photo = self.coloured(strength="1.4", seed="7", render_factor="33", label="281")
        photo.purge()
        address = self.again(photo)
        assert self.alice.post(address).url == address
        page = self.alice.get(address).content.decode()
        assert '<option value="1.4" selected>' in page
        assert '<option value="fake" selected>' in page
        for field in ('value="7"', 'value="33"', 'value="281"', 'type="file"'):
            assert field in page, field

    def test_what_is_filled_in_gives_the_same_settings(self) -> None:
        """The fields of the filled form, sent as a browser without scripts sends them."""
        photo = self.coloured(strength="1.25", hints='[{"x":0,"y":1,"rgb":[1,2,3]}]', raw="true")
        photo.purge()
        page = self.alice.get(self.again(photo)).content.decode()
        self.alice.post("/upload", form_fields(page) | {"photos": upload()})
        newest = Job.objects.order_by("created").last()
        assert newest and newest.settings == self.job(photo).settings | {"hints": [
            {"x": 0.0, "y": 1.0, "rgb": [1, 2, 3]}
        ]}  # fmt: skip

    def test_it_says_when_the_model_is_no_longer_here(self) -> None:
        photo = self.coloured()
        photo.purge()
        photo.jobs.update(model="left-the-table")
        page = self.alice.get(self.again(photo)).content.decode()
        assert "not installed on this server any more" in page

    def test_a_stranger_learns_nothing(self) -> None:
        photo = self.coloured()
        assert self.bob.get(self.again(photo)).status_code == 404
        assert self.bob.post(self.again(photo)).status_code == 404
        assert photo.jobs.count() == 1


class DeletionTests(HistoryTestCase):
    def test_a_row_goes_with_what_is_left_of_its_photo(self) -> None:
        photo = self.coloured(name="aunt.png")
        with self.captureOnCommitCallbacks(execute=True):
            self.alice.post(f"/photos/{photo.pk}/forget")
        assert not Photo.objects.exists() and not Job.objects.exists()
        assert media() == [] and "aunt.png" not in dump()

    def test_a_row_may_go_under_its_worker(self) -> None:
        """The worker drops what it made and takes the next job."""
        photo, following = self.send(), self.send(self.bob)
        host = InlineHost(lambda: self.alice.post(f"/photos/{photo.pk}/forget"))
        self.run_worker(host)
        assert Job.objects.get().photo == following
        assert self.job(following).state == Job.State.DONE
        sweep()
        assert {path.parent.name for path in media()} <= {following.pk.hex, photo.pk.hex}

    def test_everything_goes_once_it_is_confirmed(self) -> None:
        self.coloured()
        self.coloured().purge()
        bobs = self.coloured(client=self.bob)
        asked = self.alice.get("/history/delete").content.decode()
        assert "2 photos leave your history" in asked and Photo.objects.count() == 3
        with self.captureOnCommitCallbacks(execute=True):
            self.alice.post("/history/delete")
        assert [photo.pk for photo in Photo.objects.all()] == [bobs.pk]
        assert {path.parent.name for path in media()} == {bobs.pk.hex}

    def test_delete_now_keeps_the_row(self) -> None:
        photo = self.coloured(name="aunt.png")
        self.alice.post(f"/photos/{photo.pk}/delete")
        assert media() == [] and "aunt.png" in self.page()

    def test_changes_need_a_csrf_token_and_a_post(self) -> None:
        photo = self.coloured()
        careful = Client(enforce_csrf_checks=True)
        careful.cookies = self.alice.cookies
        for path in (f"photos/{photo.pk}/title", f"photos/{photo.pk}/forget", "history/delete",
                     "history/names", f"photos/{photo.pk}/keep"):  # fmt: skip
            assert careful.post(f"/{path}").status_code == 403, path
            if path != "history/delete":
                assert self.alice.get(f"/{path}").status_code == 405, path
        assert Photo.objects.count() == 1


class ExportTests(HistoryTestCase):
    def lines(self, query: str = "") -> list[dict[str, str]]:
        answer: Any = self.alice.get(f"/history/export.csv{query}")
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer["Content-Disposition"].startswith('attachment; filename="coloria-history-')
        text = answer.getvalue().decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def test_csv_has_a_line_per_version(self) -> None:
        photo = self.coloured(name="aunt, rose.png", strength="1.4")
        Job.objects.create(photo=photo, model="plain")
        first, second = self.lines()
        assert first["name"] == "aunt, rose.png" and second["model"] == "plain"
        assert (first["state"], second["state"]) == ("done", "queued")
        assert json.loads(first["settings"])["strength"] == 1.4

    def test_csv_runs_no_formula(self) -> None:
        for start in ("=", "+", "-", "@", " =", "\t="):
            photo = self.coloured(name=f"{start}HYPERLINK(1).png")
            Photo.objects.filter(pk=photo.pk).update(title=f"{start}1+1")
        for line in self.lines():
            for value in line.values():
                assert not value.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r")), value
        assert {line["title"][0] for line in self.lines()} == {"'"}

    def test_json_is_whole_and_valid(self) -> None:
        rows(self.user, 3)
        self.sign_in()
        found = exported(self.alice)
        assert len(found) == 3 and all(len(row["jobs"]) == 1 for row in found)

    def test_an_empty_history_is_an_empty_list(self) -> None:
        assert exported(self.alice) == []
        assert self.lines() == []

    def test_export_obeys_the_filters(self) -> None:
        self.coloured()
        self.coloured(model="plain")
        assert [line["model"] for line in self.lines("?model=plain")] == ["plain"]

    def test_bob_exports_nothing_of_alices(self) -> None:
        self.coloured()
        assert exported(self.bob) == []


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


def rows(user: User, count: int) -> None:
    """Rows of photos that are gone, written at once."""
    photos = [
        Photo(
            owner=user, name=f"{n}.png", format="PNG", width=24, height=16, bytes=99,
            created=NOON - minutes(n), deadline=NOON, purged=NOON,
        )
        for n in range(count)
    ]  # fmt: skip
    Photo.objects.bulk_create(photos)
    Job.objects.bulk_create(
        Job(photo=photo, model="fake", state="expired", outcome="done", seconds=1.0)
        for photo in photos
    )


def exported(client: Client) -> list[dict[str, Any]]:
    answer: Any = client.get("/history/export.json")
    assert answer["Content-Type"] == "application/json"
    found: list[dict[str, Any]] = json.loads(answer.getvalue())
    return found


def dump() -> str:
    """Every row of every table."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found += [repr(row) for row in cursor.fetchall()]
    return "\n".join(found)


def form_fields(page: str) -> dict[str, str]:
    """What a browser without scripts sends of the main page's form, but the file."""
    fields: dict[str, str] = {}

    class Fields(HTMLParser):
        name = ""

        def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
            has = dict(given)
            if tag == "select":
                self.name = has.get("name") or ""
            elif tag == "option" and "selected" in has:
                fields[self.name] = has.get("value") or ""
            elif tag == "input" and has.get("name") and has.get("type") != "file":
                if has.get("type") != "checkbox" or "checked" in has:
                    fields[has["name"] or ""] = has.get("value") or ""

    Fields().feed(page.partition('<form id="send"')[2].partition("</form>")[0])
    return fields
