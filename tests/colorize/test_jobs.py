"""The state machine: every change is one conditional UPDATE, and somebody was first (S148)."""

from unittest import mock

from django_q.models import OrmQ

from colorize.models import LEASE, MAX_ATTEMPTS, Job
from colorize.sweep import sweep
from colorize.tasks import Pulse, run_job
from tests.base import NOON, BaseTestCase, at, media, minutes
from tests.fakes import BREAK, SLEEP, STARVE, InlineHost


class JobTests(BaseTestCase):
    def test_it_rings_after_the_commit_with_the_id_alone(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            photo = self.send()
        task = OrmQ.objects.get().task
        assert (task["func"], task["args"]) == (
            "colorize.tasks.run_job",
            (str(self.job(photo).pk),),
        )

    def test_it_runs_a_redelivered_job_once(self) -> None:
        photo, host = self.send(), InlineHost()
        with mock.patch("colorize.tasks.host", return_value=host):
            run_job(str(self.job(photo).pk))
            run_job(str(self.job(photo).pk))
        assert len(host.orders) == 1
        assert self.job(photo).attempts == 1

    def test_a_job_is_claimed_once(self) -> None:
        job = self.job(self.send())
        assert Job.objects.claim(job.pk, "first") is not None
        assert Job.objects.claim(job.pk, "second") is None

    def test_a_cancelled_job_is_not_run(self) -> None:
        photo, host = self.send(), InlineHost()
        Job.objects.cancel(self.job(photo).pk)
        self.run_worker(host)
        assert host.orders == []

    def test_a_job_that_has_ended_is_not_cancelled(self) -> None:
        photo = self.coloured()
        assert Job.objects.cancel(self.job(photo).pk) is False
        assert self.job(photo).state == Job.State.DONE

    def test_a_result_that_comes_after_the_cancel_is_thrown_away(self) -> None:
        photo = self.send()
        self.run_worker(InlineHost(lambda: Job.objects.cancel(self.job(photo).pk)))
        assert self.job(photo).state == Job.State.CANCELLED
        assert len(media()) == 2  # the photo and its preview

    def test_a_photo_deleted_while_it_runs_leaves_no_file(self) -> None:
        photo = self.send()
        self.run_worker(InlineHost(lambda: self.alice.delete(f"/api/v1/photos/{photo.pk}")))
        assert media() == []
        assert (self.job(photo).state, self.job(photo).code) == (Job.State.EXPIRED, "")

    def test_a_worker_is_told_to_stop_when_the_job_was_cancelled(self) -> None:
        job = self.job(self.send())
        claim = Job.objects.claim(job.pk, "worker")
        assert claim is not None
        with mock.patch("colorize.tasks.LOOK", 0):
            pulse = Pulse(claim)
            assert pulse() is False
            Job.objects.cancel(job.pk)
            assert pulse() is True

    def test_a_worker_that_lost_its_lease_is_told_to_stop(self) -> None:
        job = self.job(self.send())
        claim = Job.objects.claim(job.pk, "slow")
        Job.objects.filter(pk=job.pk).update(state=Job.State.QUEUED)
        Job.objects.claim(job.pk, "other")
        assert claim is not None and Job.objects.renew(claim) is False

    def test_a_late_failure_does_not_end_somebody_elses_run(self) -> None:
        job = self.job(self.send())
        claim = Job.objects.claim(job.pk, "slow")
        Job.objects.filter(pk=job.pk).update(state=Job.State.QUEUED)
        Job.objects.claim(job.pk, "other")
        assert claim is not None and Job.objects.fail(claim, "internal") is False

    def test_a_lost_lease_gives_the_job_back(self) -> None:
        with at(NOON):
            photo = self.send()
            Job.objects.claim(self.job(photo).pk, "killed")
        with at(NOON + LEASE + minutes(0.1)):
            assert sweep().requeued == 1
            self.run_worker()
        assert (self.job(photo).state, self.job(photo).attempts) == (Job.State.DONE, 2)

    def test_a_renewed_lease_is_left_alone(self) -> None:
        with at(NOON):
            claim = Job.objects.claim(self.job(self.send()).pk, "slow")
        with at(NOON + LEASE):
            assert claim is not None and Job.objects.renew(claim)
        with at(NOON + LEASE + minutes(0.1)):
            assert sweep().requeued == 0

    def test_a_job_that_kills_every_worker_fails(self) -> None:
        with at(NOON):
            photo = self.send()
            Job.objects.update(attempts=MAX_ATTEMPTS - 1)
            Job.objects.claim(self.job(photo).pk, "killed")
        with at(NOON + minutes(1)):
            assert sweep().failed == 1
        assert (self.job(photo).state, self.job(photo).code) == (Job.State.FAILED, "internal")

    def test_what_a_stopped_worker_held_is_queued_without_a_lost_attempt(self) -> None:
        job = self.job(self.send())
        Job.objects.claim(job.pk, "stopped")
        Job.objects.release("stopped")
        job.refresh_from_db()
        assert (job.state, job.attempts) == (Job.State.QUEUED, 0)

    def test_a_lost_bell_is_rung_again(self) -> None:
        with at(NOON):
            photo = self.send()
        with at(NOON + minutes(0.2)):
            assert sweep().rung == 1
        assert OrmQ.objects.get().task["args"] == (str(self.job(photo).pk),)

    def test_a_bell_is_not_rung_at_each_sweep(self) -> None:
        with at(NOON):
            self.send()
        with at(NOON + minutes(0.2)):
            assert (sweep().rung, sweep().rung) == (1, 0)

    def test_a_known_failure_keeps_its_code_only(self) -> None:
        photo = self.send(seed=SLEEP)
        self.run_worker()
        job = self.job(photo)
        assert (job.state, job.code, job.result.name) == (Job.State.FAILED, "timed_out", "")

    def test_an_unknown_failure_is_logged_and_told_in_one_sentence(self) -> None:
        photo = self.send(seed=BREAK)
        with self.assertLogs("colorize.tasks", "ERROR") as logged:
            self.run_worker()
        assert "ZeroDivisionError" in logged.output[0]
        shown = self.alice.get(f"/api/v1/jobs/{self.job(photo).pk}").json()
        detail = "Something went wrong on our side. Please try again."
        assert shown["error"] == {"code": "internal", "detail": detail}

    def test_a_failure_is_never_shown_as_a_result(self) -> None:
        photo = self.send(seed=STARVE)
        with self.assertLogs("colorize.tasks", "ERROR"):
            self.run_worker()
        answer = self.alice.get(f"/download/{self.job(photo).pk}", headers={"accept": "text/json"})
        assert answer.status_code == 409
        assert self.alice.get(f"/api/v1/jobs/{self.job(photo).pk}").json()["download"] is None

    def test_a_model_that_left_the_registry_fails_its_jobs_with_a_sentence(self) -> None:
        photo = self.send()
        Job.objects.update(model="forgotten")
        self.run_worker()
        assert self.job(photo).code == "unknown_model"

    def test_names_on_disk_tell_nothing(self) -> None:
        """S136, S137: unique names; the user's file name never reaches the disk."""
        self.send(name="granny.png")
        (path,) = media()
        assert "granny" not in str(path) and len(path.stem) == 32
