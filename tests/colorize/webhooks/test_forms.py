"""What the form and the table of a webhook tell those who hear the page."""

import re

from tests.colorize.webhooks.base import WebhookTestCase

WRONG = {"url": "http://10.0.0.1/", "description": "x" * 201}


class FormTests(WebhookTestCase):
    def test_every_error_is_tied_to_its_field(self) -> None:
        page = self.alice.post("/accounts/webhooks/", WRONG).content.decode()
        described = re.findall(r'aria-describedby="(id_\w+_error)"', page)
        assert described == ["id_url_error", "id_events_error", "id_description_error"]
        assert re.findall(r'class="problem" id="(\w+)"', page) == described

    def test_a_form_without_errors_points_at_none(self) -> None:
        assert "_error" not in self.alice.get("/accounts/webhooks/").content.decode()

    def test_the_table_of_messages_has_a_name(self) -> None:
        delivery = self.delivery()
        page = self.alice.get(f"/accounts/webhooks/{delivery.webhook_id}/").content.decode()
        assert 'class="scroll" tabindex="0" role="region" aria-labelledby="deliveries"' in page
        assert '<h2 id="deliveries">Messages</h2>' in page
