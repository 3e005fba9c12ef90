"""Who has an account? One password after another; a link that leads away."""

import re
from typing import Any
from unittest import mock

from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from tests.accounts.base import PASSWORD, AccountTestCase, link, member

KNOWN, UNKNOWN = "alice@example.org", "nobody@example.org"
HASH = "django.contrib.auth.hashers.MD5PasswordHasher.encode"


def told(answer: Any, email: str) -> tuple[int, str, str]:
    """What a visitor can compare: status, where to, and the page without its own secrets."""
    page = re.sub(r'value="\w{64}"|data-now="\d+"', "", answer.content.decode())
    return answer.status_code, answer.get("Location", ""), page.replace(email, "")


class EnumerationTests(AccountTestCase):
    def setUp(self) -> None:
        super().setUp()
        member(KNOWN)

    def same(self, url: str, field: str, **more: str) -> None:
        """The answer, the page it leads to and the work behind it, for both addresses."""
        seen = []
        for email in (KNOWN, UNKNOWN):
            cache.clear()
            mail.outbox.clear()
            client = Client()
            with mock.patch(HASH, autospec=True, return_value="md5$salt$none") as hashed:
                answer = client.post(url, {field: email, **more})
            next_page = client.get(answer["Location"]) if answer.get("Location") else answer
            work = hashed.call_count, [message.to for message in mail.outbox] in ([[email]], [])
            seen.append((told(answer, email), told(next_page, email), work, len(mail.outbox)))
        assert seen[0] == seen[1]

    def test_signing_up_tells_nobody_who_has_an_account(self) -> None:
        self.same("/accounts/signup/", "email", password1=PASSWORD)
        assert len(mail.outbox) == 1 and User.objects.count() == 2

    def test_a_weak_password_tells_neither(self) -> None:
        self.same("/accounts/signup/", "email", password1="12345678")

    def test_asking_for_a_reset_tells_nobody(self) -> None:
        self.same("/accounts/password/reset/", "email")
        assert len(mail.outbox) == 1

    def test_a_wrong_password_tells_nobody(self) -> None:
        self.same("/accounts/login/", "login", password="wrong")

    def test_asking_again_tells_nobody(self) -> None:
        """A second mail to one address waits; the page does not say so of one address alone."""
        pages = []
        for email in (KNOWN, UNKNOWN):
            client = Client()
            self.sign_up(client, email)
            answer = self.sign_up(client, email)
            pages.append((told(answer, email), told(client.get(answer["Location"]), email)))
        assert pages[0] == pages[1] and len(mail.outbox) == 2

    def test_the_owner_of_a_known_address_is_told_by_mail(self) -> None:
        self.sign_up(self.bob, KNOWN)
        assert mail.outbox[-1].to == [KNOWN] and link() == "/accounts/password/reset/"


class BruteForceTests(AccountTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = member(KNOWN)

    def test_the_sixth_wrong_password_for_an_address_waits(self) -> None:
        for _ in range(5):
            assert self.sign_in(self.bob, password="wrong").status_code == 200
        answer = self.sign_in(self.bob, password="wrong")
        self.assertContains(answer, "Too many tries", status_code=429)
        assert answer["Retry-After"] == "300" and "Too Many Requests" not in answer.content.decode()

    def test_then_even_the_right_one_waits_from_everywhere(self) -> None:
        for _ in range(5):
            self.sign_in(self.bob, password="wrong")
        elsewhere = Client(REMOTE_ADDR="203.0.113.9")
        assert self.sign_in(elsewhere).status_code == 429 and not self.is_in(elsewhere)

    def test_an_unknown_address_waits_as_well(self) -> None:
        found = [self.sign_in(self.bob, UNKNOWN, "wrong").status_code for _ in range(6)]
        assert found == [200] * 5 + [429]

    def test_one_machine_cannot_try_many_addresses(self) -> None:
        found = [self.sign_in(self.bob, f"{n}@example.org", "x").status_code for n in range(11)]
        assert found[-1] == 429

    def test_right_passwords_are_not_counted(self) -> None:
        for _ in range(12):
            self.alice.logout()
            assert self.sign_in(self.alice).status_code == 302

    def test_signing_up_is_limited(self) -> None:
        found = [self.sign_up(Client(), f"{n}@example.org").status_code for n in range(21)]
        assert found == [302] * 20 + [429]

    def test_asking_for_resets_is_limited_for_known_and_unknown_alike(self) -> None:
        for email in (KNOWN, UNKNOWN):
            ask = {"email": email}
            found = [self.bob.post("/accounts/password/reset/", ask).status_code for _ in range(6)]
            assert found == [302] * 5 + [429]

    def test_guessing_the_password_to_delete_an_account_is_limited(self) -> None:
        self.bob.force_login(self.user)
        found = [
            self.bob.post("/accounts/delete/", {"password": "guess"}).status_code for _ in range(6)
        ]
        assert found == [200] * 5 + [429] and User.objects.exists()

    def test_limits_are_counted_where_all_processes_see_them(self) -> None:
        backend = settings.CACHES["default"]["BACKEND"]
        assert "locmem" not in backend and "dummy" not in backend

    def test_a_program_gets_the_limit_as_json(self) -> None:
        for _ in range(6):
            answer = self.bob.post(
                "/accounts/login/",
                {"login": KNOWN, "password": "wrong"},
                headers={"accept": "application/json"},
            )
        assert answer.status_code == 429 and answer.json()["code"] == "rate_limited"


class LogTests(AccountTestCase):
    def test_the_request_log_holds_no_key_of_a_mailed_link(self) -> None:
        member(KNOWN)
        self.bob.post("/accounts/password/reset/", {"email": KNOWN})
        self.sign_up(self.bob, UNKNOWN)
        for path in [link(), link().rstrip("/"), "/accounts/password/reset/key/1-secret-key/"]:
            with self.subTest(path), self.assertLogs("coloria.requests") as logged:
                self.alice.get(path)
            line = logged.output[-1]
            assert "***" in line and path.rstrip("/").rpartition("/")[2] not in line


class RedirectTests(AccountTestCase):
    AWAY = (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "https://testserver@evil.example/",
        "\thttps://evil.example",
    )

    def setUp(self) -> None:
        super().setUp()
        self.user = member()

    def test_sign_in_leads_on_within_the_site(self) -> None:
        self.assertRedirects(self.sign_in(self.alice, next="/models/"), "/models/")

    def test_and_nowhere_else(self) -> None:
        for away in self.AWAY:
            with self.subTest(away):
                self.assertRedirects(self.sign_in(Client(), next=away), "/history/")

    def test_nor_does_any_other_form(self) -> None:
        for away in self.AWAY:
            self.alice.force_login(self.user)
            with self.subTest(away):
                again = self.alice.get("/accounts/login/", {"next": away})
                assert again["Location"] == "/history/"
                out = self.alice.post("/accounts/logout/", {"next": away})
                assert out["Location"] == "/"


class AdminDoorTests(AccountTestCase):
    def test_the_administration_has_no_door_of_its_own(self) -> None:
        page = "/admin/login/?next=/admin/"
        answer = self.client.post(page, {"username": KNOWN, "password": "wrong"})
        assert answer["Location"] == "/accounts/login/?next=%2Fadmin%2F"

    def test_staff_come_in_by_the_common_one(self) -> None:
        User.objects.create_superuser("admin@example.org", PASSWORD)
        answer = self.sign_in(self.alice, "admin@example.org", next="/admin/")
        self.assertRedirects(answer, "/admin/")

    def test_others_are_refused(self) -> None:
        self.bob.force_login(member())
        assert self.bob.get("/admin/login/?next=/admin/").status_code == 403
