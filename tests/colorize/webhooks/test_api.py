"""Webhooks by program: made, changed, tested, replayed; by accounts alone, each its own."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.tokens.model import Token
from colorize.webhooks import signing
from colorize.webhooks.models import Delivery, Webhook
from tests.base import at
from tests.colorize.test_strangers import patterns
from tests.colorize.webhooks.base import URL, WebhookTestCase

ROOT = "/api/v1/webhooks"


def addresses() -> list[str]:
    """Every address that names a webhook; asked of the URLconf, so none is forgotten."""
    return [found for found in patterns() if "<uuid:webhook>" in found]


class ApiTests(WebhookTestCase):
    def call(self, method: str, path: str = "", client: Client | None = None, **body: Any) -> Any:
        content = json.dumps(body) if body else ""
        who = client or self.alice
        return who.generic(method.upper(), ROOT + path, content, "application/json")

    def create(self, **body: Any) -> Any:
        return self.call("post", **({"url": URL, "events": ["photo.ready"]} | body))

    def test_the_answer_to_a_new_webhook_alone_holds_its_secret(self) -> None:
        answer = self.create(description="archive")
        made = answer.json()
        webhook = Webhook.objects.get()
        assert answer.status_code == 201 and answer["Cache-Control"] == "no-store"
        assert made["secret"] == webhook.secret == signing.secret(webhook.salt)
        assert (made["url"], made["events"], made["enabled"]) == (URL, ["photo.ready"], True)
        (listed,) = self.call("get").json()
        assert listed == self.call("get", f"/{webhook.pk}").json()
        assert listed == {name: made[name] for name in made if name != "secret"}

    def test_links_begin_with_the_address_by_which_the_owner_called(self) -> None:
        self.create()
        assert Webhook.objects.get().site == "http://testserver/"

    def test_a_token_does_all_that_a_session_does(self) -> None:
        _, text = Token.issue(self.owner, "archive", 30)
        program = Client(headers={"Authorization": f"Bearer {text}"})
        made = self.call("post", client=program, url=URL, events=["job.done"])
        assert made.status_code == 201
        assert self.call("delete", f"/{made.json()['id']}", program).status_code == 204
        assert not Webhook.objects.exists()

    def test_what_cannot_be_called_or_told_is_refused(self) -> None:
        for wrong in (
            {"url": "http://hooks.example.com/"},
            {"url": "https://127.0.0.1/"},
            {"url": "https://[::ffff:10.0.0.1]/"},
            {"url": "https://user@hooks.example.com/"},
            {"url": "https://hooks.example.com/" + "a" * 500},
            {"url": 7},
            {"events": []},
            {"events": ["photo.stolen"]},
            {"events": "photo.ready"},
            {"description": "a" * 201},
            {"enabled": "perhaps"},
        ):
            answer = self.create(**wrong)
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_request"), wrong
            assert list(answer.json()["fields"]) == list(wrong)
        assert self.call("post", url=URL).status_code == 400
        assert not Webhook.objects.exists()

    def test_the_sixth_is_refused(self) -> None:
        assert [self.create().status_code for _ in range(6)] == [201] * 5 + [409]
        assert self.create().json()["code"] == "too_many_webhooks"

    def test_what_is_left_out_of_a_change_stays(self) -> None:
        webhook = self.webhook("job.done", description="archive")
        changed = self.call("patch", f"/{webhook.pk}", events=["photo.deleted", "job.failed"])
        assert changed.json()["events"] == ["job.failed", "photo.deleted"]
        assert changed.json()["description"] == "archive"
        assert self.call("patch", f"/{webhook.pk}", url="https://10.1.1.1/").status_code == 400
        webhook.refresh_from_db()
        assert (webhook.url, webhook.events) == (URL, ["job.failed", "photo.deleted"])

    def test_it_is_turned_off_and_on(self) -> None:
        webhook = self.webhook()
        assert self.call("patch", f"/{webhook.pk}", enabled=False).json()["enabled"] is False
        for action in ("test", f"deliveries/{self.delivery(webhook).pk}/replay"):
            refused = self.call("post", f"/{webhook.pk}/{action}")
            assert (refused.status_code, refused.json()["code"]) == (409, "webhook_off")
        assert self.call("patch", f"/{webhook.pk}", enabled=True).json()["enabled"] is True

    def test_a_new_secret_is_shown_once(self) -> None:
        webhook = self.webhook()
        made = self.call("post", f"/{webhook.pk}/secret").json()
        assert made["secret"] not in ("", webhook.secret)
        webhook.refresh_from_db()
        assert made["secret"] == webhook.secret

    def test_a_test_is_sent_and_then_told_how_it_went(self) -> None:
        webhook = self.webhook()
        sent = self.call("post", f"/{webhook.pk}/test")
        assert (sent.status_code, sent.json()["state"]) == (202, "waiting")
        _, body, _ = self.deliver().call_args.args
        assert json.loads(body)["type"] == "test"
        (row,) = self.call("get", f"/{webhook.pk}/deliveries").json()
        assert (row["id"], row["state"], row["status"]) == (sent.json()["id"], "delivered", 200)
        assert "body" not in row

    def test_a_message_is_replayed_but_not_at_once_again(self) -> None:
        delivery = self.delivery()
        self.deliver()
        path = f"/{delivery.webhook_id}/deliveries/{delivery.pk}/replay"
        sent = self.call("post", path)
        assert (sent.status_code, sent.json()["id"]) == (202, str(delivery.pk))
        assert sent.json()["state"] == "waiting"
        again = self.call("post", path)
        assert again.status_code == 429 and again["Retry-After"] == "10"
        assert again.json()["code"] == "too_many_requests"
        assert self.deliver().call_args.args[2]["webhook-id"] == str(delivery.pk)

    def test_nonsense_is_refused_and_not_a_mistake_of_ours(self) -> None:
        webhook = self.webhook()
        for body in (b"", b"{", b"[]", b"7", b"null", b"[" * 100_000, b'{"events": {"a": 1}}'):
            for method, path in (("post", ROOT), ("patch", f"{ROOT}/{webhook.pk}")):
                answer = getattr(self.alice, method)(path, body, content_type="application/json")
                assert answer.status_code in (200, 400), body
        assert Webhook.objects.count() == 1


class StrangerTests(WebhookTestCase):
    def visits(self, client: Client, delivery: Delivery) -> Iterator[tuple[str, Any]]:
        for pattern in addresses():
            address = pattern.replace("<uuid:webhook>", str(delivery.webhook_id))
            address = address.replace("<uuid:delivery>", str(delivery.pk))
            for method in ("GET", "POST", "PATCH", "DELETE"):
                answer = client.generic(method, address, "{}", "application/json")
                yield f"{method} {address}", answer

    def test_there_is_something_to_guard(self) -> None:
        assert len(addresses()) >= 11

    def test_bob_gets_404_everywhere_and_changes_nothing(self) -> None:
        delivery = self.delivery()
        before = list(Webhook.objects.values()), list(Delivery.objects.values())
        for visit, answer in self.visits(self.bob, delivery):
            with self.subTest(visit):
                assert answer.status_code in (404, 405)
        assert (list(Webhook.objects.values()), list(Delivery.objects.values())) == before

    def test_bob_cannot_reach_alices_message_through_a_webhook_of_his_own(self) -> None:
        delivery = self.delivery()
        bobs = Webhook.objects.establish(self.bob_id(), url=URL, events=[], site="")
        path = f"/deliveries/{delivery.pk}/replay"
        for root in (f"{ROOT}/{bobs.pk}", f"/accounts/webhooks/{bobs.pk}"):
            assert self.bob.post(root + path).status_code == 404

    def bob_id(self) -> Any:
        return self.bob.session["_auth_user_id"]

    def test_bob_lists_none_of_alices(self) -> None:
        self.webhook()
        assert self.bob.get(ROOT).json() == []
        assert URL not in self.bob.get("/accounts/webhooks/").content.decode()

    def test_a_guest_is_asked_to_sign_in(self) -> None:
        delivery = self.delivery()
        for visit, answer in self.visits(Client(), delivery):
            with self.subTest(visit):
                assert answer.status_code in (302, 401, 403, 405)
                if answer.status_code == 302:
                    assert re.match(r"/accounts/login/\?next=/accounts/webhooks/", answer.url)
        for method in ("get", "post"):
            assert getattr(Client(), method)(ROOT).status_code in (401, 403)

    def test_a_page_of_another_site_changes_nothing(self) -> None:
        webhook = self.webhook()
        browser = Client(enforce_csrf_checks=True, headers={"Origin": "https://evil.example"})
        browser.force_login(self.owner)
        for path in ("", f"{webhook.pk}/", f"{webhook.pk}/delete", f"{webhook.pk}/secret"):
            assert browser.post(f"/accounts/webhooks/{path}", {}).status_code == 403
        for path in (ROOT, f"{ROOT}/{webhook.pk}/test", f"{ROOT}/{webhook.pk}/secret"):
            sent = browser.post(path, "{}", content_type="application/json")
            assert sent.status_code == 403
        assert browser.delete(f"{ROOT}/{webhook.pk}").status_code == 403

    def test_an_id_that_never_was_is_not_found(self) -> None:
        assert self.alice.get(f"{ROOT}/{uuid4()}").status_code == 404
        assert self.alice.get(f"/accounts/webhooks/{uuid4()}/").status_code == 404


class PageTests(WebhookTestCase):
    def page(self, path: str = "") -> str:
        return self.alice.get(f"/accounts/webhooks/{path}").content.decode()

    def test_a_webhook_is_added_and_its_secret_shown_once(self) -> None:
        form = {"url": URL, "events": ["photo.ready", "job.failed"], "description": "archive"}
        answer = self.alice.post("/accounts/webhooks/", form)
        webhook = Webhook.objects.get()
        assert webhook.secret in answer.content.decode() and "no-store" in answer["Cache-Control"]
        assert webhook.events == ["photo.ready", "job.failed"]
        assert webhook.secret not in self.page(f"{webhook.pk}/")
        assert (
            "archive" in self.page() and "archive" in self.alice.get("/accounts/").content.decode()
        )

    def test_a_private_address_is_refused_with_a_sentence(self) -> None:
        answer = self.alice.post("/accounts/webhooks/", {"url": "https://10.0.0.1/"})
        assert answer.status_code == 400
        assert "of a server on the internet" in answer.content.decode()
        assert "10.0.0.1" in answer.content.decode()  # what was written is not lost

    def test_the_sixth_is_refused(self) -> None:
        for _ in range(5):
            self.webhook()
        assert "Add the webhook" not in self.page()
        answer = self.alice.post("/accounts/webhooks/", {"url": URL, "events": ["job.done"]})
        assert answer.status_code == 400 and "which is the most" in answer.content.decode()

    def test_a_webhook_is_changed_switched_and_deleted(self) -> None:
        webhook = self.webhook()
        root = f"/accounts/webhooks/{webhook.pk}/"
        self.alice.post(root, {"url": URL + "2", "events": ["job.done"]})
        self.alice.post(root + "switch")
        webhook.refresh_from_db()
        assert (webhook.url, webhook.events, webhook.enabled) == (URL + "2", ["job.done"], False)
        assert "turned off by you" in self.page(f"{webhook.pk}/")
        self.alice.post(root + "switch", {"on": "1"})
        webhook.refresh_from_db()
        assert webhook.enabled
        self.alice.post(root + "delete")
        assert not Webhook.objects.exists()

    def test_a_change_does_not_undo_what_happened_meanwhile(self) -> None:
        webhook = self.webhook()
        Webhook.objects.update(failing=timezone.now())
        self.alice.post(f"/accounts/webhooks/{webhook.pk}/", {"url": URL, "events": ["job.done"]})
        webhook.refresh_from_db()
        assert webhook.failing is not None

    def test_a_new_secret_comes_with_word_on_the_old_one(self) -> None:
        webhook = self.webhook()
        answer = self.alice.post(f"/accounts/webhooks/{webhook.pk}/secret").content.decode()
        webhook.refresh_from_db()
        assert webhook.secret in answer and "previous secret signs beside it" in answer

    def test_a_test_and_a_replay_by_button(self) -> None:
        webhook = self.webhook()
        root = f"/accounts/webhooks/{webhook.pk}/"
        assert self.alice.post(root + "test").status_code == 302
        again = self.alice.post(root + "test", follow=True).content.decode()
        assert "Wait ten seconds" in again
        self.deliver()
        delivery = Delivery.objects.get()
        assert "delivered" in self.page(f"{webhook.pk}/")
        with at(timezone.now() + timedelta(seconds=11)):
            self.alice.post(f"{root}deliveries/{delivery.pk}/replay")
        delivery.refresh_from_db()
        assert delivery.state == Delivery.State.WAITING

    def test_what_a_receiver_answers_is_shown_as_text(self) -> None:
        delivery = self.delivery()
        Delivery.objects.update(answer="<script>alert(1)</script>", status=500, outcome="status")
        page = self.page(f"{delivery.webhook_id}/")
        assert "<script>alert" not in page and "&lt;script&gt;alert" in page
        assert "HTTP 500" in page

    def test_a_page_of_a_hundred_messages_asks_few_questions(self) -> None:
        webhook = self.webhook()
        for _ in range(100):
            self.delivery(webhook)
        with CaptureQueriesContext(connection) as asked:
            self.page(f"{webhook.pk}/")
        assert len(asked) <= 8
