"""The owner of a webhook that was turned off is told by e-mail, once."""

from datetime import timedelta
from unittest import mock

from django.core import mail
from django.utils import timezone, translation

from colorize.webhooks.models import GIVE_UP, Delivery, Webhook
from colorize.webhooks.outbound import Answer, Undelivered
from tests.colorize.webhooks.base import OK, URL, WebhookTestCase

GONE, BUSY = Answer(410, ""), Answer(503, "try later")


class NoticeTests(WebhookTestCase):
    def failing(self) -> Webhook:
        """A webhook whose next failure is the last."""
        return self.webhook(failing=timezone.now() - GIVE_UP - timedelta(hours=1))

    def test_the_mail_says_which_why_and_how_to_turn_it_on(self) -> None:
        webhook = self.failing()
        self.delivery(webhook)
        self.deliver(BUSY)
        (told,) = mail.outbox
        assert told.to == [self.owner.email] and told.subject == "Your webhook was turned off"
        text = str(told.body)
        for part in (URL, "after five days of failures", "not 2xx. (HTTP 503)"):
            assert part in text, text
        page = f"/accounts/webhooks/{webhook.pk}/"
        assert f"https://coloria.example{page}\n" in text and "\nCOLORIA, coloria.example" in text
        assert self.alice.get(page).status_code == 200

    def test_an_address_that_is_gone_is_told_at_once(self) -> None:
        self.delivery()
        self.deliver(GONE)
        assert "the address answered 410 Gone" in str(mail.outbox[0].body)

    def test_one_mail_however_many_messages_fail(self) -> None:
        webhook = self.failing()
        first, second = self.delivery(webhook), self.delivery(webhook)
        self.deliver(BUSY)
        for late in (first, second):  # as if another process had failed at the same moment
            Delivery.objects.give_up(late, Webhook.Reason.FAILING)
        assert len(mail.outbox) == 1

    def test_turned_on_and_off_again_it_is_told_again(self) -> None:
        webhook = self.webhook()
        for _ in range(2):
            webhook.refresh_from_db()
            webhook.switch(True)
            self.delivery(webhook)
            self.deliver(GONE)
        assert len(mail.outbox) == 2

    def test_neither_one_failure_nor_its_owner_turning_it_off_is_told(self) -> None:
        webhook = self.webhook()
        self.delivery(webhook)
        self.deliver(BUSY)
        webhook.switch(False)
        assert not mail.outbox

    def test_it_is_in_the_language_of_who_made_the_webhook(self) -> None:
        fields = {"url": URL, "events": ["photo.ready"]}
        with translation.override("en"):  # a request leaves its language behind
            self.alice.post("/accounts/webhooks/", fields, headers={"accept-language": "fr"})
        self.delivery(Webhook.objects.get())
        self.deliver(GONE)
        assert mail.outbox[0].subject == "Votre webhook a été désactivé"
        assert "adresse a répondu 410 Gone. Rien n" in str(mail.outbox[0].body)

    def test_a_mail_server_that_is_down_holds_up_no_message(self) -> None:
        webhook = self.webhook()
        self.delivery(webhook)
        failure = mock.patch("colorize.webhooks.notices.send_mail", side_effect=ConnectionError)
        with failure, self.assertLogs("colorize.webhooks.notices", "ERROR"):
            self.deliver(GONE)
        webhook.refresh_from_db()
        assert not webhook.enabled
        other = self.delivery(self.webhook())
        self.deliver(OK)
        other.refresh_from_db()
        assert other.state == Delivery.State.DELIVERED

    def test_an_address_without_an_answer_is_told_without_a_status(self) -> None:
        self.delivery(self.failing())
        self.deliver(Undelivered("unresolved"))
        assert "the name of the server was not found.\n" in str(mail.outbox[0].body)
