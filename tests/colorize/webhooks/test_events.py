"""What is told, when, to whom: and that nothing of the picture or its name is."""

from unittest import mock

import pytest
from django.db import DatabaseError

from colorize.models import Job
from colorize.tasks import run_job
from colorize.webhooks.models import Delivery, Webhook
from tests.colorize.webhooks.base import WebhookTestCase
from tests.fakes import InlineHost

Event = Webhook.Event


class EventTests(WebhookTestCase):
    def names(self) -> list[str]:
        return [name for name, _ in self.told()]

    def test_a_finished_photo_is_told_as_done_and_ready(self) -> None:
        self.webhook()
        photo = self.coloured()
        (done, job), (ready, told) = self.told()
        row = self.job(photo)
        assert (done, ready) == (Event.DONE, Event.READY)
        assert (job["id"], job["photo"], job["state"]) == (str(row.pk), str(photo.pk), "done")
        assert job["download"] == f"https://coloria.example/api/v1/jobs/{row.pk}/download"
        assert job["settings"] == row.settings and job["error"] is None and job["seconds"] >= 0
        assert told["jobs"] == [job] and told["deleted"] is None
        assert told["expires"] == photo.deadline.isoformat().replace("+00:00", "Z")

    def test_a_photo_is_ready_when_the_last_of_its_jobs_has_ended(self) -> None:
        self.webhook(Event.READY)
        photo = self.send()
        self.alice.post(f"/api/v1/photos/{photo.pk}/jobs", {"model": "fake", "seed": 2})
        first, second = photo.jobs.all()
        with mock.patch("colorize.tasks.host", return_value=InlineHost()):
            run_job(str(first.pk))
        assert self.names() == []
        Job.objects.cancel(second.pk)
        assert self.names() == [Event.READY]

    def test_a_failure_is_told_with_its_code_and_without_ready(self) -> None:
        self.webhook()
        job = self.job(self.send())
        claimed = Job.objects.claim(job.pk, "worker")
        assert claimed
        Job.objects.fail(claimed, "timed_out")
        ((event, told),) = self.told()
        assert event == Event.FAILED
        assert told["error"] == {"code": "timed_out"} and told["download"] is None

    def test_a_job_that_somebody_else_ended_is_told_once(self) -> None:
        self.webhook()
        job = self.job(self.coloured())
        Job.objects.cancel(job.pk)
        Job.objects.end(job.pk, Job.State.FAILED, code="internal")
        assert self.names() == [Event.DONE, Event.READY]

    def test_a_cancel_is_told_to_nobody(self) -> None:
        self.webhook()
        Job.objects.cancel(self.job(self.send()).pk)
        assert self.names() == []

    def test_a_deletion_is_told_once_and_not_as_ready(self) -> None:
        self.webhook(Event.READY, Event.DELETED)
        photo = self.send()
        photo.purge()
        photo.purge()
        ((event, told),) = self.told()
        assert event == Event.DELETED
        assert told["deleted"] and told["expires"] is None

    def test_only_chosen_events_are_told_to_webhooks_that_are_on(self) -> None:
        chosen, off = self.webhook(Event.DONE), self.webhook(Event.DONE)
        off.switch(False)
        self.webhook(Event.FAILED)
        self.coloured()
        (delivery,) = Delivery.objects.all()
        assert delivery.webhook == chosen

    def test_strangers_and_guests_photos_are_told_to_nobody(self) -> None:
        self.webhook()
        self.coloured(client=self.bob)
        self.coloured(client=self.client)
        assert self.names() == []

    def test_neither_name_nor_pixels_are_told(self) -> None:
        self.webhook()
        photo = self.coloured(name="secret-aunt.png")
        photo.purge()
        bodies = " ".join(Delivery.objects.values_list("body", flat=True))
        assert len(self.told()) == 3
        assert "secret-aunt" not in bodies and photo.pk.hex not in bodies

    def test_a_message_is_written_with_the_change_or_not_at_all(self) -> None:
        self.webhook()
        job = self.job(self.send())
        failing = mock.patch.object(Delivery.objects, "bulk_create", side_effect=DatabaseError)
        with failing, pytest.raises(DatabaseError):
            Job.objects.end(job.pk, Job.State.FAILED)
        job.refresh_from_db()
        assert job.state == Job.State.QUEUED
