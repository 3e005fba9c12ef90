"""Paused models wait, and a drained server says so."""

from unittest import mock

from django.test import Client

from accounts.models import User
from colorize import catalogue, pauses
from colorize.models import Job
from colorize.sweep import ring
from ml.registry import ALL
from tests.base import BaseTestCase, upload


class PauseTests(BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.admin = Client()
        self.admin.force_login(User.objects.create_superuser("admin@example.org"))

    def hold(self, name: str, held: bool = True) -> None:
        answer = self.admin.post("/admin/pause/", {"name": name, "held": "1" if held else "0"})
        self.assertRedirects(answer, "/admin/", fetch_redirect_response=False)

    def test_a_paused_model_is_refused_by_name(self) -> None:
        self.hold("fake")
        answer = self.alice.post("/api/v1/photos", {"image": upload(), "model": "fake"})
        assert (answer.status_code, answer.json()["code"]) == (503, "model_paused")
        assert answer.json()["detail"].startswith("Fake takes no photos at the moment.")
        page = self.alice.post("/upload", {"photos": upload(), "model": "fake"})
        assert page.status_code == 503 and b"takes no photos at the moment" in page.content

    def test_it_is_not_offered_and_not_part_of_all(self) -> None:
        self.hold("fake")
        assert b'value="fake"' not in self.alice.get("/").content
        assert "fake" not in [spec.name for spec in catalogue.chosen(ALL, 1)]
        states = {row["name"]: row["state"] for row in self.alice.get("/api/v1/models").json()}
        assert (states["fake"], states["plain"]) == ("paused", "installed")
        assert b"The administrator has paused this model" in self.alice.get("/models/fake/").content

    def test_its_queued_jobs_wait_and_others_go_on(self) -> None:
        waiting, other = self.send(), self.send(model="plain")
        self.hold("fake")
        self.run_worker()
        assert self.job(waiting).state == Job.State.QUEUED
        assert self.job(other).state == Job.State.DONE

    def test_nobody_is_told_when_a_waiting_job_is_ready(self) -> None:
        job = self.job(self.send())
        self.hold("fake")
        shown = self.alice.get(f"/api/v1/jobs/{job.pk}").json()
        assert shown["eta_s"] is None and shown["position"] == 1

    def test_who_waits_for_a_paused_model_is_overtaken_in_the_count(self) -> None:
        self.send()
        job = self.job(self.send(model="plain"))
        assert self.alice.get(f"/api/v1/jobs/{job.pk}").json()["position"] == 2
        self.hold("fake")
        assert self.alice.get(f"/api/v1/jobs/{job.pk}").json()["position"] == 1

    def test_its_bells_are_not_rung_until_it_goes_on(self) -> None:
        photo = self.send()
        Job.objects.update(rung=None, created=photo.created.replace(year=2020))
        self.hold("fake")
        assert ring() == 0
        with mock.patch("colorize.models.async_task") as bell:
            self.hold("fake", False)
        assert bell.call_count == 1
        self.run_worker()
        assert self.job(photo).state == Job.State.DONE

    def test_a_drained_server_begins_nothing_and_says_so(self) -> None:
        photo = self.send()
        assert b"is being worked on" not in self.alice.get("/").content
        self.hold(ALL)
        assert b"is being worked on" in self.alice.get("/").content
        assert b"Let workers go on" in self.admin.get("/admin/").content
        self.run_worker()
        assert self.job(photo).state == Job.State.QUEUED
        self.hold(ALL, False)
        self.run_worker()
        assert self.job(photo).state == Job.State.DONE

    def test_a_running_job_ends_while_the_server_drains(self) -> None:
        job = Job.objects.claim(self.job(self.send()).pk, "machine:7")
        assert job
        self.hold(ALL)
        assert Job.objects.renew(job)

    def test_two_pauses_are_one(self) -> None:
        self.hold("fake")
        self.hold("fake")
        assert pauses.names() == {"fake"}
        self.hold("fake", False)
        assert not pauses.names()

    def test_only_a_model_can_be_paused_and_only_by_post(self) -> None:
        assert self.admin.post("/admin/pause/", {"name": "nothing", "held": "1"}).status_code == 404
        assert self.admin.get("/admin/pause/").status_code == 405
