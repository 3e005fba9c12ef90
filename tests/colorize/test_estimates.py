"""Place in the queue, time left and progress."""

from django.core.cache import cache
from django.test import override_settings

from colorize.estimates import FIRST_RATE, OVERHEAD, Queue, measured_rate, rate
from colorize.models import Job, Photo
from tests.base import NOON, BaseTestCase, at, minutes


def megapixel(photo: Photo, seconds: float | None = None) -> None:
    """As if the photo had one megapixel and had taken so long."""
    Photo.objects.filter(pk=photo.pk).update(width=1000, height=1000)
    if seconds:
        Job.objects.filter(photo=photo).update(seconds=seconds, state=Job.State.DONE)


class EstimateTests(BaseTestCase):
    def test_a_new_model_is_given_a_first_estimate(self) -> None:
        assert rate("fake") == FIRST_RATE

    def test_the_rate_is_what_recent_jobs_took(self) -> None:
        for seconds in (3.0, 5.0):
            megapixel(self.send(), OVERHEAD + seconds)
        assert measured_rate("fake") == 4.0

    def test_only_recent_jobs_count(self) -> None:
        with at(NOON):
            slow = self.send()
            megapixel(slow, OVERHEAD + 100)
            Job.objects.update(finished=NOON)
        for _ in range(20):
            photo = self.send()
            megapixel(photo, OVERHEAD + 2)
            Job.objects.filter(photo=photo).update(finished=NOON + minutes(1))
        assert measured_rate("fake") == 2.0

    def test_the_rate_of_another_model_does_not_count(self) -> None:
        megapixel(self.send(), 50)
        assert rate("other") == FIRST_RATE

    def test_the_queue_is_served_in_order(self) -> None:
        photos = [self.send() for _ in range(3)]
        queue = Queue()
        assert [queue.estimate(self.job(photo)).position for photo in photos] == [1, 2, 3]

    def test_waiting_adds_up(self) -> None:
        first, second = self.send(), self.send()
        Photo.objects.update(width=1000, height=1000)
        queue = Queue()
        alone = OVERHEAD + FIRST_RATE
        assert queue.estimate(self.job(first)).eta_s == alone
        assert queue.estimate(self.job(second)).eta_s == 2 * alone

    @override_settings(COLORIA_WORKERS=2)
    def test_two_workers_halve_the_waiting(self) -> None:
        self.send(), self.send()
        third = self.send()
        Photo.objects.update(width=1000, height=1000)
        assert Queue().estimate(self.job(third)).eta_s == 2 * (OVERHEAD + FIRST_RATE)

    def test_a_running_job_progresses_but_never_claims_to_be_done(self) -> None:
        with at(NOON):
            photo = self.send()
            Photo.objects.update(width=9000, height=1000)  # 9 megapixels: 10 s
            Job.objects.claim(self.job(photo).pk, "worker")
        with at(NOON + minutes(5 / 60)):
            estimate = Queue().estimate(self.job(photo))
            assert (estimate.position, estimate.progress, estimate.eta_s) == (0, 0.5, 5.0)
        with at(NOON + minutes(3)):
            late = Queue().estimate(self.job(photo))
            assert (late.progress, late.eta_s) == (0.95, 0.5)

    def test_a_finished_job_has_no_place(self) -> None:
        estimate = Queue().estimate(self.job(self.coloured()))
        assert (estimate.position, estimate.eta_s, estimate.progress) == (None, None, 1.0)

    def test_the_rate_is_remembered_for_a_while(self) -> None:
        rate("fake")
        with self.assertNumQueries(0):
            rate("fake")
        cache.clear()
        with self.assertNumQueries(1):
            rate("fake")
