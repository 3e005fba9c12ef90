"""Job inspection (S190): what happened, never what is in the picture."""

import csv
import io
import re
from datetime import timedelta
from typing import Any
from unittest import mock

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import User
from colorize import figures, pauses, traces
from colorize.models import Job, Photo, Worker
from tests.base import NOON, BaseTestCase, at, media, minutes
from tests.colorize.test_sweep import age
from tests.fakes import SLEEP, InlineHost

HOME = "/admin/"
LIST = "/admin/colorize/job/"
PHOTOS = "/admin/colorize/photo/"
QUERIES = 10


class Broken(InlineHost):
    def colorize(self, order: Any, timeout: float, stop: Any = lambda: False) -> Any:
        raise ZeroDivisionError(f"cannot divide {order.name} of aunt@example.org in {order.source}")


class AdminCase(BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.admin = Client()
        self.user = User.objects.create_superuser("admin@example.org")
        self.admin.force_login(self.user)

    def failed(self, name: str = "secret-aunt.png") -> Job:
        photo = self.send(name=name)
        with self.assertLogs("colorize.tasks", "ERROR"):
            self.run_worker(Broken())
        return self.job(photo)

    def act(self, action: str, *jobs: Job, client: Client | None = None) -> HttpResponse:
        chosen = {"action": action, "_selected_action": [str(job.pk) for job in jobs]}
        return (client or self.admin).post(LIST, chosen)

    def text(self, address: str) -> str:
        page = self.admin.get(address)
        assert page.status_code == 200, page.status_code
        return page.content.decode()

    def staff(self, *rights: str) -> Client:
        """An administrator with these rights alone."""
        user = User.objects.create_user("helper@example.org", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=rights))
        client = Client()
        client.force_login(user)
        return client


class DoorTests(AdminCase):
    ADDRESSES = (HOME, LIST, PHOTOS, "/admin/accounts/user/", "/admin/nothing/")

    def test_who_is_not_signed_in_is_led_to_the_sign_in_page(self) -> None:
        for address in self.ADDRESSES:
            answer = self.bob.get(address)
            assert answer.status_code == 302 and "/login/" in answer["Location"], address

    def test_a_signed_in_stranger_finds_nothing(self) -> None:
        job = self.failed()
        self.bob.force_login(User.objects.create_user("bob@example.org"))
        more = (f"{LIST}{job.pk}/change/", f"{PHOTOS}{job.photo_id}/open/")
        for address in (*self.ADDRESSES, *more):
            assert self.bob.get(address).status_code == 404, address
        for address in ("/admin/pause/", LIST):
            assert self.bob.post(address, {"name": "fake", "held": "1"}).status_code == 404
        assert not pauses.names()

    def test_a_helper_without_rights_changes_nothing(self) -> None:
        helper, job = self.staff("view_job"), self.job(self.send())
        assert helper.post("/admin/pause/", {"name": "fake", "held": "1"}).status_code == 404
        self.act("cancel", job, client=helper)
        assert self.job(job.photo).state == Job.State.QUEUED
        assert helper.get(f"{PHOTOS}{job.photo_id}/open/").status_code == 403
        assert b"Pause" not in helper.get(HOME).content

    def test_no_form_works_without_its_token(self) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(self.user)
        assert strict.post("/admin/pause/", {"name": "fake", "held": "1"}).status_code == 403
        assert strict.post(LIST, {"action": "cancel"}).status_code == 403


class DashboardTests(AdminCase):
    def test_it_tells_of_queue_success_and_failures(self) -> None:
        self.coloured()
        self.failed()
        self.send()
        page = self.text(HOME)
        assert "50.0 %" in page and "1 coloured, 1 failed" in page
        assert f'{LIST}?code=internal&amp;when=24">internal' in page
        assert re.search(r"the oldest waits \d+ s", page)

    def test_percentiles_are_of_the_last_hour_and_by_model(self) -> None:
        photo = self.coloured()
        rows = [
            Job(photo=photo, model="fake", state="expired", outcome="done", seconds=n, finished=f)
            for n, f in ((n, timezone.now()) for n in range(1, 101))
        ]
        old = timezone.now() - timedelta(hours=2)
        rows.append(
            Job(
                photo=photo,
                model="fake",
                state="expired",
                outcome="done",
                seconds=900,
                finished=old,
            )
        )
        Job.objects.all().delete()
        Job.objects.bulk_create(rows)
        page = self.text(HOME)
        assert '<td class="n">50.00</td><td class="n">95.00</td>' in page

    def test_counts_are_whole_where_percentiles_and_lists_are_not(self) -> None:
        photo, now = self.coloured(), timezone.now()
        Job.objects.all().delete()
        Job.objects.bulk_create(
            Job(photo=photo, model="fake", state=state, outcome=outcome, finished=ended, seconds=n)
            for n in range(1, 6)
            for state, outcome, ended in (
                ("expired", "done", now - minutes(n)), ("expired", "failed", now - minutes(n)),
                ("expired", "cancelled", now), ("running", "", None),
            )
        )  # fmt: skip
        with mock.patch.multiple("colorize.figures", NEWEST=3, SHOWN=2):
            page = self.text(HOME)
        assert "5 coloured, 5 failed" in page and "50.0 %" in page
        assert '<td class="n">2.00</td><td class="n">3.00</td>' in page
        assert f'{LIST}?state=running">5<' in page and "3 more jobs are running." in page

    def test_a_job_is_counted_in_the_hour_in_which_it_ended_and_for_a_day(self) -> None:
        photo = self.coloured()
        Job.objects.all().delete()
        ends = (0, 59.9, 60, 61, 23 * 60, 25 * 60)  # minutes before the end of an hour
        with at(NOON + minutes(59.99)):
            self.admin.force_login(self.user)
            Job.objects.bulk_create(
                Job(
                    photo=photo, model="fake", state="expired", outcome=outcome, code=code,
                    finished=timezone.now() - minutes(ago),
                )
                for ago in ends
                for outcome, code in (("done", ""), ("failed", "timed_out"), ("failed", "internal"))
            )  # fmt: skip
            found = figures.gather()
        for plot, share in ((found.coloured, 1), (found.failed, 2)):
            counts = [count // share for _, count in plot.counts]
            assert counts == [1, *[0] * 21, 2, 2] and plot.counts[-1][0] == NOON
        assert sorted(found.codes) == [("internal", 5), ("timed_out", 5)]

    def test_running_jobs_show_their_worker_and_progress(self) -> None:
        job = Job.objects.claim(self.job(self.send()).pk, "machine:7")
        assert job
        Job.objects.update(started=timezone.now() - timedelta(seconds=30))
        page = self.text(HOME)
        assert "machine:7" in page and "about 95 %" in page

    def test_overdue_files_are_loud(self) -> None:
        photo = self.coloured()
        Photo.objects.filter(pk=photo.pk).update(deadline=timezone.now() - minutes(1))
        page = self.text(HOME)
        assert "photos: the promise is kept" in page  # a sweep is on its way
        assert str(photo.pk) not in self.text(f"{PHOTOS}?files=overdue")
        Photo.objects.filter(pk=photo.pk).update(deadline=timezone.now() - minutes(5))
        page = self.text(HOME)
        assert "photos; the oldest by 5 min: a promise is broken" in page
        assert str(photo.pk) in self.text(f"{PHOTOS}?files=overdue")

    def test_files_that_could_not_be_deleted_are_loud(self) -> None:
        photo = self.coloured()
        with mock.patch("colorize.models.shutil.rmtree"):
            photo.purge()
        age(photo.folder, minutes(5))
        assert "photos; the oldest by 5 min: a promise is broken" in self.text(HOME)
        assert str(photo.pk) in self.text(f"{PHOTOS}?files=overdue")

    def test_a_silent_worker_is_told_within_a_minute(self) -> None:
        now = timezone.now()
        Worker.objects.create(name="quick", beat=now, host=now)
        assert "Silent" not in self.text(HOME)
        Worker.objects.update(host=now - timedelta(seconds=61))
        assert self.text(HOME).count("Silent") == 1
        Worker.objects.update(beat=now - timedelta(seconds=61))
        page = self.text(HOME)
        assert page.count("Silent") == 2 and "no sign of life" in page

    def test_a_worker_tells_of_its_model_host(self) -> None:
        self.coloured()
        assert Worker.objects.get().host

    def test_a_low_disk_and_damaged_weights_are_loud(self) -> None:
        with (
            mock.patch("colorize.figures.MIN_FREE", 10**18),
            mock.patch("colorize.figures.registry.state", return_value="corrupt"),
        ):
            page = self.text(HOME)
        assert 'class="alarm"><dt>Disk' in page and "Damaged weights" in page

    def test_the_plots_have_a_sentence_and_a_table(self) -> None:
        self.coloured()
        page = self.text(HOME)
        assert page.count('role="img"') == 2 and "1 in 24 hours; most, 1, in the hour from" in page
        assert page.count("As a table") == 2

    def test_it_holds_the_policy_and_loads_nothing_from_elsewhere(self) -> None:
        page = self.text(HOME)
        assert " style=" not in page and "<style" not in page and "<script>" not in page
        assert not re.search(r'(src|href|action)="(https?:)?//', page)


class QueryTests(AdminCase):
    """The same number of queries whatever the number of rows; benchmarks/admin.py times 100,000."""

    def setUp(self) -> None:
        super().setUp()
        photo = self.coloured()
        now = timezone.now()
        Job.objects.bulk_create(
            Job(
                photo=photo, model=("fake", "plain")[n % 2],
                state=("expired", "running")[n % 9 == 0],
                outcome=("done", "failed")[n % 5 == 0], code=("", "internal")[n % 5 == 0],
                created=now - minutes(n), started=now, finished=now - minutes(n), seconds=n,
            )
            for n in range(300)
        )  # fmt: skip
        self.helper = self.staff("view_job", "view_photo", "change_job")

    def test_every_page_asks_at_most_ten_times(self) -> None:
        job = Job.objects.first()
        assert job
        for address in (HOME, LIST, f"{LIST}?model=fake&outcome=failed&when=24", PHOTOS,
                        f"{PHOTOS}?code=internal", f"{PHOTOS}?files=overdue",
                        f"{LIST}{job.pk}/change/"):  # fmt: skip
            for client in (self.admin, self.helper):
                client.get(address)  # content types are then remembered
                with self.subTest(address), self.assertNumQueriesAtMost(QUERIES):
                    assert client.get(address).status_code == 200

    def assertNumQueriesAtMost(self, most: int) -> Any:
        from contextlib import contextmanager

        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        @contextmanager
        def bounded() -> Any:
            with CaptureQueriesContext(connection) as asked:
                yield
            assert len(asked) <= most, [one["sql"][:150] for one in asked]
            counts = [one["sql"] for one in asked if "COUNT(*)" in one["sql"]]
            assert all("LIMIT" in sql or "WHERE" in sql for sql in counts), counts

        return bounded()


class ListTests(AdminCase):
    def test_jobs_are_filtered_by_what_is_asked(self) -> None:
        owner = User.objects.create_user("alice@example.org")
        self.alice.force_login(owner)
        job = self.failed()
        day = f"{timezone.localdate():%F}"
        for query in (
            "user=alice@example.org", f"user={owner.pk}", "model=fake", "state=failed",
            "outcome=failed", "code=internal", "when=1", f"day={day}",
        ):  # fmt: skip
            assert str(job.pk) in self.text(f"{LIST}?{query}"), query
            assert str(job.photo_id) in self.text(f"{PHOTOS}?{query}"), query
        for query in (
            "user=bob@example.org", "user=guests", "user=nonsense", "model=plain", "state=done",
            "outcome=done", "code=timed_out", "day=2020-01-01", "day=nonsense", "model=nonsense",
            "day=0001-01-01", "day=9999-12-31",
        ):  # fmt: skip
            assert str(job.pk) not in self.text(f"{LIST}?{query}"), query
            assert str(job.photo_id) not in self.text(f"{PHOTOS}?{query}"), query

    def test_an_outcome_is_found_after_the_files_are_gone(self) -> None:
        job = self.failed()
        job.photo.purge()
        assert str(job.pk) in self.text(f"{LIST}?outcome=failed")
        assert str(job.pk) not in self.text(f"{LIST}?state=failed")

    def test_a_typed_filter_keeps_the_others(self) -> None:
        page = self.text(f"{LIST}?model=fake&user=alice@example.org")
        assert '<input type="hidden" name="model" value="fake">' in page
        assert 'name="user" value="alice@example.org"' in page

    def test_no_picture_and_no_file_name_is_shown(self) -> None:
        photo = self.coloured(name="secret-aunt.png")
        job = self.job(photo)
        Photo.objects.update(title="aunt Em")
        for address in (LIST, PHOTOS, f"{LIST}{job.pk}/change/", f"{PHOTOS}{photo.pk}/change/"):
            page = self.text(address)
            for secret in (job.result.name, photo.file.name, "secret-aunt", "aunt Em", "/preview"):
                assert str(secret) not in page, (address, secret)

    def test_nothing_can_be_edited(self) -> None:
        job = self.job(self.coloured())
        for address in (f"{LIST}{job.pk}/change/", f"{PHOTOS}{job.photo_id}/change/"):
            assert self.admin.post(address, {"state": "queued"}).status_code == 403
            assert self.admin.post(address.replace("change", "delete")).status_code == 403
        assert self.admin.get(f"{LIST}add/").status_code == 403
        assert self.job(job.photo).state == Job.State.DONE


class ActionTests(AdminCase):
    def test_a_job_is_cancelled_and_it_is_noted_by_whom(self) -> None:
        job = self.job(self.send())
        self.act("cancel", job)
        assert self.job(job.photo).state == Job.State.CANCELLED
        assert LogEntry.objects.get().user == self.user

    def test_a_failed_job_is_repeated_and_the_new_one_points_to_it(self) -> None:
        job = self.failed()
        self.act("repeat", job)
        new = Job.objects.get(repeats=job)
        assert (new.model, new.settings, new.state) == ("fake", job.settings, Job.State.QUEUED)
        job.refresh_from_db()
        assert (job.state, job.code) == (Job.State.FAILED, "internal")
        assert str(new.pk) in self.text(f"{LIST}{job.pk}/change/")
        assert str(job.pk) in self.text(f"{LIST}{new.pk}/change/")

    def test_two_clicks_repeat_once(self) -> None:
        job = self.failed()
        self.act("repeat", job)
        self.act("repeat", job)
        assert Job.objects.filter(repeats=job).count() == 1

    def test_a_job_whose_photo_is_gone_cannot_be_repeated(self) -> None:
        with at(NOON):
            job = self.failed()
        with at(NOON + minutes(11)):  # no sweep was there yet
            self.admin.force_login(self.user)
            answer = self.admin.post(
                LIST, {"action": "repeat", "_selected_action": str(job.pk)}, follow=True
            )
        assert Job.objects.count() == 1
        assert b"could not be repeated" in answer.content

    def test_an_export_holds_the_filtered_jobs_and_no_formula(self) -> None:
        self.alice.force_login(User.objects.create_user("=cmd@example.org"))
        job = self.failed()
        answer = self.act("export", job)
        lines = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
        (row,) = csv.DictReader(io.StringIO(lines))
        assert (row["job"], row["code"]) == (str(job.pk), "internal")
        assert row["user"] == "'=cmd@example.org"
        assert "secret-aunt" not in lines


class AccountTests(AdminCase):
    def test_an_account_with_photos_is_deleted_with_its_files(self) -> None:
        owner = User.objects.create_user("alice@example.org")
        self.alice.force_login(owner)
        self.coloured()
        page = f"/admin/accounts/user/{owner.pk}/delete/"
        assert "Yes, I" in self.text(page)
        with self.captureOnCommitCallbacks(execute=True):
            self.admin.post(page, {"post": "yes"})
        assert not User.objects.filter(pk=owner.pk).exists() and not Photo.objects.exists()
        assert media() == []
        assert LogEntry.objects.get().object_repr == str(owner.pk)
        assert "_auth_user_id" not in self.alice.session

    def test_several_accounts_with_photos_are_deleted_at_once(self) -> None:
        owner = User.objects.create_user("alice@example.org")
        self.alice.force_login(owner)
        self.coloured()
        chosen = {"action": "delete_selected", "_selected_action": str(owner.pk), "post": "yes"}
        self.admin.post("/admin/accounts/user/", chosen)
        assert not Photo.objects.exists() and media() == []

    def test_it_takes_the_right_to_delete_accounts(self) -> None:
        owner = User.objects.create_user("alice@example.org")
        helper = self.staff("view_user", "change_user")
        page = f"/admin/accounts/user/{owner.pk}/delete/"
        assert helper.post(page, {"post": "yes"}).status_code == 403
        assert User.objects.filter(pk=owner.pk).exists()


class TraceTests(AdminCase):
    def test_the_cause_of_a_users_failed_job_is_three_clicks_away(self) -> None:
        """Find the user, the failed job, its page: the last shows the trace."""
        self.alice.force_login(User.objects.create_user("alice@example.org"))
        job = self.failed()
        assert f'action="{LIST}"' in self.text(HOME) and 'name="user"' in self.text(HOME)
        assert f"{LIST}{job.pk}/change/" in self.text(f"{LIST}?user=alice@example.org")
        page = self.text(f"{LIST}{job.pk}/change/")
        assert (
            "ZeroDivisionError: cannot divide" in page and "internal: Something went wrong" in page
        )

    def test_it_holds_nothing_personal(self) -> None:
        text = traces.kept(self.failed())
        assert "secret-aunt" not in text and "aunt@example.org" not in text
        assert "cannot divide [name] of [address] in [media]" in text
        assert "tasks.py" in text

    def test_a_known_failure_keeps_its_reason(self) -> None:
        photo = self.send(seed=SLEEP)
        self.run_worker()
        assert "TimedOut: slept" in traces.kept(self.job(photo))

    def test_a_lost_worker_is_named(self) -> None:
        from colorize.sweep import sweep

        job = self.job(self.send())
        Job.objects.filter(pk=job.pk).update(attempts=1)
        Job.objects.claim(job.pk, "machine:7")
        Job.objects.update(lease=timezone.now() - minutes(1))
        sweep()
        assert "machine:7 stopped renewing its lease" in traces.kept(job)

    def test_its_owner_does_not_see_it(self) -> None:
        job = self.failed()
        for address in (f"/photos/{job.photo_id}/", f"/api/v1/jobs/{job.pk}", "/history/"):
            assert "ZeroDivision" not in self.alice.get(address).content.decode()

    def test_it_is_bounded(self) -> None:
        job = self.job(self.send())
        traces.note(job, "a" * 100_000 + "the end")
        text = traces.kept(job)
        assert len(text) <= traces.MOST and text.endswith("the end")

    def test_it_is_gone_after_a_week(self) -> None:
        job = self.failed()
        with at(timezone.now() + timedelta(days=7, minutes=1)):
            assert traces.kept(job) == ""
            assert traces.forget() == 1


class OpeningTests(AdminCase):
    def test_a_photo_opens_only_for_a_reason(self) -> None:
        photo = self.coloured()
        address = f"{PHOTOS}{photo.pk}/open/"
        assert self.admin.get(address)["Content-Type"].startswith("text/html")
        assert self.admin.post(address, {"what": "original", "reason": "x"}).status_code == 400
        assert not LogEntry.objects.exists()

    def test_who_opened_it_and_why_is_noted(self) -> None:
        photo = self.coloured()
        for what in ("original", str(self.job(photo).pk)):
            with self.assertLogs("colorize.admin.photos", "WARNING") as logged:
                answer = self.admin.post(
                    f"{PHOTOS}{photo.pk}/open/",
                    {"what": what, "reason": "The owner asked for help"},
                )
            assert answer["Content-Type"] in ("image/jpeg", "image/png")
            assert "private, no-store" in answer["Cache-Control"]
            assert str(self.user.pk) in logged.output[0] and "asked for help" in logged.output[0]
        notes = LogEntry.objects.values_list("object_id", "user")
        assert list(notes) == [(str(photo.pk), self.user.pk)] * 2

    def test_a_photo_that_is_due_does_not_open(self) -> None:
        with at(NOON):
            photo = self.coloured()
        with at(NOON + minutes(11)):
            self.admin.force_login(self.user)
            assert self.admin.get(f"{PHOTOS}{photo.pk}/open/").status_code == 410
