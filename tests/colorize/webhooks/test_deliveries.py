"""A message arrives, or is tried again, or fails for good: and a webhook that only fails is off."""

import time
from datetime import timedelta
from unittest import mock

import pytest
from django.utils import timezone

from colorize.webhooks import events
from colorize.webhooks.models import (
    EXCERPT,
    GIVE_UP,
    KEPT,
    LEASE,
    MOST,
    SECONDS,
    Delivery,
    TooMany,
    TooSoon,
    Webhook,
)
from colorize.webhooks.outbound import Answer, Undelivered
from tests.base import NOON, at
from tests.colorize.webhooks.base import OK, WebhookTestCase

State, Outcome = Delivery.State, Delivery.Outcome
BUSY = Answer(503, "try later")


class DeliveryTests(WebhookTestCase):
    def fail(self, delivery: Delivery, times: int) -> None:
        """As many tries as that, each when it is due."""
        for _ in range(times):
            delivery.refresh_from_db()
            with at(delivery.due + timedelta(seconds=1)):
                self.deliver(BUSY)
        delivery.refresh_from_db()

    def test_any_2xx_is_success(self) -> None:
        for status in (200, 202, 204, 299):
            delivery = self.delivery(Webhook.objects.first())
            self.deliver(Answer(status, "thank you"))
            delivery.refresh_from_db()
            assert (delivery.state, delivery.status) == (State.DELIVERED, status)
            assert (delivery.answer, delivery.attempts) == ("thank you", 1)

    def test_what_is_delivered_is_not_sent_again(self) -> None:
        self.delivery()
        assert self.deliver().call_count == 1
        assert self.deliver().call_count == 0

    def test_every_other_answer_is_a_failure_with_a_reason(self) -> None:
        webhook = self.webhook()
        for answer, outcome in (
            (Answer(199, ""), Outcome.STATUS),
            (Answer(302, ""), Outcome.REDIRECT),
            (Answer(404, ""), Outcome.STATUS),
            (BUSY, Outcome.STATUS),
            (Undelivered("timed_out"), Outcome.TIMED_OUT),
            (Undelivered("refused"), Outcome.REFUSED),
        ):
            delivery = self.delivery(webhook)
            self.deliver(answer)
            delivery.refresh_from_db()
            assert (delivery.state, delivery.outcome) == (State.WAITING, outcome)
            assert delivery.get_outcome_display()

    def test_tries_come_later_and_later_and_end(self) -> None:
        delivery = self.delivery()
        for number, seconds in enumerate(SECONDS, 1):
            with at(NOON + timedelta(days=number)):
                Delivery.objects.update(due=timezone.now())
                self.deliver(BUSY)
                delivery.refresh_from_db()
                waits = (delivery.due - timezone.now()).total_seconds()
                assert 0.8 * seconds <= waits <= 1.2 * seconds
                assert (delivery.state, delivery.attempts) == (State.WAITING, number)
        Delivery.objects.update(due=timezone.now())
        Webhook.objects.update(failing=None)
        self.deliver(BUSY)
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts) == (State.FAILED, len(SECONDS) + 1)

    def test_two_messages_that_fail_at_once_do_not_come_back_at_once(self) -> None:
        webhook = self.webhook()
        with at(NOON):
            for _ in range(5):
                Delivery.objects.create(webhook=webhook, event="test", body="{}")
            self.deliver(*[BUSY] * 5)
        assert len(set(Delivery.objects.values_list("due", flat=True))) == 5

    def test_a_try_that_never_came_back_is_made_again(self) -> None:
        """At least once: whoever held it was killed."""
        delivery = self.delivery()
        held = Delivery.objects.claim(delivery.pk)
        assert held and self.deliver().call_count == 0
        with at(timezone.now() + LEASE + timedelta(seconds=1)):
            assert self.deliver().call_count == 1
            Delivery.objects.missed(held, Outcome.TIMED_OUT)  # the first holder wakes up
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts, delivery.outcome) == (State.DELIVERED, 2, "")

    def test_no_more_of_an_answer_is_kept_than_500_characters(self) -> None:
        delivery = self.delivery()
        self.deliver(Answer(500, "a\x00\n" + "x" * 1900))
        delivery.refresh_from_db()
        assert delivery.answer == "a  " + "x" * (EXCERPT - 3)

    def test_a_mistake_of_ours_is_a_failed_try_and_not_the_end(self) -> None:
        delivery = self.delivery()
        with mock.patch("colorize.webhooks.signing.headers", side_effect=ZeroDivisionError):
            self.deliver()
        delivery.refresh_from_db()
        assert (delivery.state, delivery.outcome) == (State.WAITING, Outcome.INTERNAL)

    def test_gone_turns_the_webhook_off_and_ends_what_waits(self) -> None:
        webhook = self.webhook()
        later = self.delivery(webhook)
        Delivery.objects.update(due=timezone.now() + timedelta(hours=1))
        told = self.delivery(webhook)
        self.deliver(Answer(410, ""))
        webhook.refresh_from_db()
        assert (webhook.enabled, webhook.reason) == (False, "gone")
        for delivery in (later, told):
            delivery.refresh_from_db()
            assert delivery.state == State.FAILED

    def test_five_days_of_failures_alone_turn_it_off(self) -> None:
        webhook = self.webhook()
        with at(NOON):
            Delivery.objects.create(webhook=webhook, event="test", body="{}")
            self.deliver(BUSY)
        with at(NOON + GIVE_UP - timedelta(hours=1)):
            self.deliver(BUSY)
            webhook.refresh_from_db()
            assert webhook.enabled and webhook.failing == NOON
        with at(NOON + GIVE_UP + timedelta(hours=1)):
            self.deliver(BUSY)
            webhook.refresh_from_db()
        assert (webhook.enabled, webhook.reason) == (False, "failing")
        page = self.alice.get(f"/accounts/webhooks/{webhook.pk}/").content.decode()
        assert "turned off after five days of failures" in page

    def test_one_success_ends_a_row_of_failures(self) -> None:
        webhook = self.webhook()
        self.delivery(webhook)
        self.deliver(BUSY)
        webhook.refresh_from_db()
        assert webhook.failing is not None
        self.delivery(webhook)
        self.deliver(OK)
        webhook.refresh_from_db()
        assert webhook.failing is None

    def test_turned_on_again_it_starts_with_a_clean_record(self) -> None:
        webhook = self.webhook()
        Webhook.objects.update(failing=NOON)
        Webhook.objects.turn_off(webhook.pk, Webhook.Reason.FAILING)
        webhook.refresh_from_db()
        webhook.switch(True)
        webhook.refresh_from_db()
        assert (webhook.enabled, webhook.reason, webhook.failing) == (True, "", None)

    def test_a_replay_is_the_same_message_with_all_its_tries(self) -> None:
        delivery = self.delivery()
        first = self.deliver().call_args.args
        Delivery.objects.replay(delivery)
        time.sleep(1.1)  # the next second, so another time is signed
        second = self.deliver().call_args.args
        assert first[:2] == second[:2]
        assert first[2]["webhook-id"] == second[2]["webhook-id"]
        assert first[2]["webhook-signature"] != second[2]["webhook-signature"]
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts, delivery.tries) == (State.DELIVERED, 2, 1)

    def test_replays_and_tests_have_a_pause_between_them(self) -> None:
        delivery = self.delivery()
        Delivery.objects.replay(delivery)
        with pytest.raises(TooSoon):
            Delivery.objects.replay(delivery)
        with pytest.raises(TooSoon):
            events.test(delivery.webhook)
        with at(timezone.now() + timedelta(seconds=11)):
            Delivery.objects.replay(delivery)
            events.test(delivery.webhook)

    def test_an_account_has_five_webhooks_at_most(self) -> None:
        for _ in range(MOST):
            self.webhook()
        with pytest.raises(TooMany):
            self.webhook()

    def test_deliveries_are_forgotten_after_thirty_days(self) -> None:
        self.delivery()
        assert Delivery.objects.forget() == 0
        with at(timezone.now() + KEPT + timedelta(seconds=1)):
            assert Delivery.objects.forget() == 1

    def test_an_account_that_goes_takes_webhooks_and_messages_along(self) -> None:
        self.delivery()
        self.owner.delete()
        assert not Webhook.objects.exists() and not Delivery.objects.exists()
