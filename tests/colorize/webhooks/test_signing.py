"""Signatures as Standard Webhooks defines them, with secrets that the database does not hold."""

import base64
import time
from typing import Any

from django.db import connection

from colorize.webhooks import signing
from tests.base import at, minutes
from tests.colorize.webhooks.base import WebhookTestCase


def test_the_published_example_gives_the_published_signature() -> None:
    found = signing.signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        '{"test": 2432232314}',
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_is_as_long_as_the_specification_asks() -> None:
    secret = signing.secret(signing.new_salt())
    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"))) <= 64


def test_a_secret_depends_on_the_key_of_the_site_and_on_its_salt(settings: Any) -> None:
    first = signing.secret("a")
    assert first == signing.secret("a") != signing.secret("b")
    settings.SECRET_KEY = "another"
    assert signing.secret("a") != first


class SecretTests(WebhookTestCase):
    def test_the_database_holds_no_secret(self) -> None:
        secret = self.webhook().secret.removeprefix("whsec_")
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM colorize_webhook")
            assert secret not in str(cursor.fetchall())

    def test_a_message_is_signed_with_the_time_of_the_try(self) -> None:
        delivery = self.delivery()
        headers = self.deliver().call_args.args[2]
        assert headers["webhook-id"] == str(delivery.pk)
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 10
        expected = signing.signature(
            delivery.webhook.secret,
            str(delivery.pk),
            int(headers["webhook-timestamp"]),
            delivery.body,
        )
        assert headers["webhook-signature"] == expected

    def test_for_a_day_after_a_rotation_both_secrets_sign(self) -> None:
        webhook = self.webhook()
        old = webhook.secret
        webhook.rotate()
        assert webhook.secret != old
        assert [signing.secret(salt) for salt in webhook.salts()] == [webhook.secret, old]
        assert webhook.rotated is not None
        with at(webhook.rotated + minutes(24 * 60 + 1)):
            assert [signing.secret(salt) for salt in webhook.salts()] == [webhook.secret]
