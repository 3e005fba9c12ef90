"""The list: filters, pages, run again, deletion, export (S183)."""

import csv
import io
import json
from datetime import timedelta
from typing import Any
from unittest import mock

from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext

from colorize import forms
from colorize.models import Job, Photo
from colorize.sweep import sweep
from tests.base import NOON, at, media, upload
from tests.colorize.past import HistoryTestCase, dump, exported, form_fields, rows
from tests.fakes import InlineHost


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

    def test_days_at_the_ends_of_the_calendar_are_nonsense(self) -> None:
        self.coloured(name="one.png")
        for day in ("0001-01-01", "9999-12-31"):
            for query in (f"?since={day}", f"?until={day}"):
                page = self.page(query)
                assert "one.png" in page and "makes no sense" in page, query
                for kind in ("csv", "json"):
                    answer: Any = self.alice.get(f"/history/export.{kind}{query}")
                    assert b"one.png" in answer.getvalue()

    def test_pages_keep_the_filter(self) -> None:
        rows(self.user, 50)
        self.sign_in()
        page = self.page("?model=fake&page=2")
        assert page.count('class="row"') == 20
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

    def test_two_quick_presses_delete_a_row_once(self) -> None:
        photo = self.coloured()
        purge = Photo.purge

        def overtaken(late: Photo) -> None:
            Photo.objects.all().delete()
            purge(late)

        with mock.patch.object(Photo, "purge", overtaken):
            assert self.alice.post(f"/photos/{photo.pk}/forget").status_code == 302

    def test_a_wish_for_a_row_that_goes_meanwhile_finds_nothing(self) -> None:
        photo = self.coloured()
        charge = forms.require_room

        def overtaken(request: HttpRequest) -> None:
            charge(request)
            Photo.objects.all().delete()

        with mock.patch.object(forms, "require_room", overtaken):
            answer = self.alice.post(f"/photos/{photo.pk}/jobs", {"model": "fake"})
        assert answer.status_code == 404

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

    def test_the_names_of_refused_files_go_with_everything(self) -> None:
        photos = [upload(), upload("secret-aunt.png", b"no photo")]
        fields = {"photos": photos, "model": "fake"}
        self.alice.post("/api/v1/upload", fields, headers={"Idempotency-Key": "1"})
        assert "secret-aunt" in dump()
        self.alice.post("/history/delete")
        assert "secret-aunt" not in dump()

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
