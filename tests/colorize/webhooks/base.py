"""Alice has a webhook; Bob has an account and nothing else."""

import json
from typing import Any
from unittest import mock

from accounts.models import User
from colorize.webhooks import courier
from colorize.webhooks.models import Delivery, Webhook
from colorize.webhooks.outbound import Answer, Undelivered
from tests.base import BaseTestCase

URL = "https://hooks.example.com/coloria"
OK = Answer(200, "thank you")


class WebhookTestCase(BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.owner = User.objects.create_user("alice")
        self.alice.force_login(self.owner)
        self.bob.force_login(User.objects.create_user("bob"))

    def webhook(self, *events: str, **fields: Any) -> Webhook:
        fields = {"url": URL, "events": list(events or Webhook.Event.values)} | fields
        return Webhook.objects.establish(self.owner.pk, site="https://coloria.example/", **fields)

    def delivery(self, webhook: Webhook | None = None) -> Delivery:
        body = json.dumps({"type": "test"})
        return Delivery.objects.create(webhook=webhook or self.webhook(), event="test", body=body)

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Events and their data, in the order in which they were written."""
        rows = Delivery.objects.order_by("created")
        return [(row.event, json.loads(row.body)["data"]) for row in rows]

    def deliver(self, *answers: Answer | Undelivered) -> Any:
        """One try of everything that is due, without a network."""
        with mock.patch(
            "colorize.webhooks.outbound.post", side_effect=answers or [OK] * 50
        ) as post:
            while (pk := Delivery.objects.due().values_list("pk", flat=True).first()) is not None:
                claimed = Delivery.objects.claim(pk)
                assert claimed is not None
                one = courier.ThreadPoolExecutor(1)
                courier.conclude(claimed, one.submit(courier.send, claimed))
                one.shutdown()
        return post
