"""Ten minutes after it is ready a photo is gone, whatever the worker does.

S142, S143, S150, S186.
"""

from unittest import mock

from colorize import pauses, traces
from colorize.models import Job, Photo
from colorize.sweep import sweep
from tests.base import NOON, BaseTestCase, at, media, minutes


class PromiseTests(BaseTestCase):
    def test_it_shows_files_until_the_last_second(self) -> None:
        with at(NOON):
            photo = self.coloured()
        with at(NOON + minutes(9.98)):
            assert self.statuses(photo) == {200}

    def test_it_refuses_files_after_the_deadline_although_no_worker_runs(self) -> None:
        with at(NOON):
            photo = self.coloured()
        with at(NOON + minutes(10.02)):
            assert self.statuses(photo) == {410}
        assert media()  # nobody has swept

    def test_it_says_when_the_photo_was_deleted(self) -> None:
        with at(NOON):
            photo = self.coloured()
        with at(NOON + minutes(11)):
            answer = self.alice.get(f"/api/v1/jobs/{self.job(photo).pk}/download")
        detail = "Deleted at 12:10 UTC, ten minutes after it was ready, as promised."
        told = {"code": "expired", "detail": detail, "deleted": "2026-03-01T12:10:00Z"}
        assert answer.json() == told | {"docs": "/api/docs/errors/expired/"}

    def test_a_sweep_after_the_deadline_deletes_every_file(self) -> None:
        with at(NOON):
            photo = self.coloured()
        assert len(media()) == 4  # the photo, the result and two previews
        with at(NOON + minutes(10.5)), self.captureOnCommitCallbacks(execute=True):
            assert sweep().purged == 1
        assert media() == []
        photo.refresh_from_db()
        assert (photo.file.name, photo.preview.name) == ("", "")
        assert self.job(photo).state == Job.State.EXPIRED

    def test_a_purged_photo_still_answers_410(self) -> None:
        with at(NOON):
            photo = self.coloured()
        with at(NOON + minutes(12)):
            sweep()
            assert self.statuses(photo) == {410}
            assert self.alice.get(f"/photos/{photo.pk}/").status_code == 410

    def test_the_row_stays_as_history_without_pixels(self) -> None:
        with at(NOON):
            photo = self.coloured(name="aunt.png")
        with at(NOON + minutes(12)):
            sweep()
            page = self.alice.get("/history/").content.decode()
        assert "aunt.png" in page
        assert f"/photos/{photo.pk}/original" not in page

    def test_a_queued_photo_is_coloured_after_fifteen_minutes_of_waiting(self) -> None:
        with at(NOON):
            photo = self.send()
        with at(NOON + minutes(15)):
            assert sweep().purged == 0
            self.run_worker()
            assert self.statuses(photo) == {200}

    def test_the_clock_starts_when_the_last_job_ends(self) -> None:
        with at(NOON):
            photo = self.send()
        with at(NOON + minutes(15)):
            self.run_worker()
        with at(NOON + minutes(24.9)):
            assert self.statuses(photo) == {200}
        with at(NOON + minutes(25.1)):
            assert self.statuses(photo) == {410}

    def test_the_clock_starts_on_failure_and_on_cancel(self) -> None:
        with at(NOON):
            failed, cancelled = self.send(seed=101), self.send()
            Job.objects.cancel(self.job(cancelled).pk)
            self.run_worker()
        deadlines = set(Photo.objects.values_list("deadline", flat=True))
        assert deadlines == {NOON + minutes(10)}
        assert self.job(failed).state == Job.State.FAILED

    def test_a_job_that_never_ran_is_ended_after_an_hour(self) -> None:
        with at(NOON):
            photo = self.send()
        with at(NOON + minutes(60.1)):
            assert sweep().ended == 1
            assert self.job(photo).code == "timed_out"

    def test_a_job_that_never_ran_says_that_it_waited(self) -> None:
        with at(NOON):
            photo = self.send()
        with at(NOON + minutes(60.1)):
            sweep()
            page = self.alice.get(f"/photos/{photo.pk}/").content.decode()
        assert "waited too long for its turn and was not coloured. Try again later." in page

    def test_staff_reads_since_when_it_waited_and_what_was_paused(self) -> None:
        with at(NOON):
            free, held = self.send(model="plain"), self.send()
        with at(NOON + minutes(5)):
            pauses.hold("fake", None)
        with at(NOON + minutes(60.1)):
            sweep()
            told = [traces.kept(self.job(photo)) for photo in (free, held)]
        assert "Sent at 2026-03-01 12:00:00 UTC and never begun" in told[0]
        assert "Nothing is paused" in told[0]
        assert "Paused: fake since 2026-03-01 12:05:00 UTC" in told[1]

    def test_a_job_that_ran_until_its_hour_was_up_names_its_worker(self) -> None:
        with at(NOON):
            photo = self.send()
        with at(NOON + minutes(59)):
            Job.objects.claim(self.job(photo).pk, "machine:7")
        with at(NOON + minutes(60.1)):
            sweep()
            assert "taken by machine:7 at 2026-03-01 12:59:00 UTC" in traces.kept(self.job(photo))
            page = self.alice.get(f"/photos/{photo.pk}/").content.decode()
        assert "We ran out of time on this photo." in page

    def test_a_photo_whose_job_nobody_ended_is_not_shown_for_ever(self) -> None:
        with at(NOON):
            photo = self.send()
        with at(NOON + minutes(70.1)):
            assert self.statuses(photo) == {410}

    def test_ending_an_old_job_never_prolongs_what_was_said(self) -> None:
        with at(NOON):
            photo = self.send()
        with at(NOON + minutes(65)):
            sweep()
        photo.refresh_from_db()
        assert photo.deadline == NOON + minutes(70)

    def test_files_of_an_active_job_are_never_purged(self) -> None:
        with at(NOON):
            photo = self.send()
            Job.objects.claim(self.job(photo).pk, "worker")
        with at(NOON + minutes(71)), mock.patch("colorize.sweep.end_overlong", return_value=0):
            sweep()
        assert media()

    def test_what_a_failed_deletion_left_goes_with_the_next_sweep(self) -> None:
        with at(NOON):
            photo = self.coloured()
        with at(NOON + minutes(11)):
            with mock.patch("colorize.models.shutil.rmtree"):
                photo.purge()
            photo.folder.mkdir(exist_ok=True)
            (photo.folder / "left").write_bytes(b"pixels")
            assert sweep().orphans == 1
        assert media() == []
