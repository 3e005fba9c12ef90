"""Tokens: several per account, named, shown once, kept as a hash, revocable, ending."""

import re
from uuid import uuid4

from django.db import connection
from django.test import Client

from accounts.models import User
from accounts.tokens.limits import MOST
from accounts.tokens.model import Token
from colorize.models import Photo
from tests.base import NOON, BaseTestCase, at, minutes, upload

WISH = {"name": "scanner", "days": 30}


class TokenTestCase(BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = User.objects.create_user("alice@example.org", "a-long-password")
        self.alice.force_login(self.user)
        self.stranger = User.objects.create_user("bob@example.org")

    def program(self, text: str | None = None, **options: object) -> Client:
        """A client without cookies that shows a token."""
        text = text or Token.issue(self.user, "program", 30)[1]
        return Client(headers={"authorization": f"Bearer {text}"}, **options)


class PageTests(TokenTestCase):
    def test_a_new_token_is_shown_once_and_works(self) -> None:
        made = self.alice.post("/accounts/tokens/", WISH)
        (text,) = re.findall(r"coloria_[0-9a-f]{64}", made.content.decode())
        assert made["Cache-Control"].find("no-store") >= 0
        assert text not in self.alice.get("/accounts/tokens/").content.decode()
        assert self.program(text).get("/api/v1/photos").status_code == 200

    def test_only_a_hash_is_kept(self) -> None:
        text = Token.issue(self.user, "scanner", 30)[1]
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM accounts_token")
            kept = str(cursor.fetchall())
        assert text not in kept and text[20:] not in kept

    def test_the_page_lists_names_and_ends(self) -> None:
        self.alice.post("/accounts/tokens/", WISH)
        page = self.alice.get("/accounts/tokens/").content.decode()
        assert "scanner" in page and "ends on" in page

    def test_the_account_page_has_the_tokens(self) -> None:
        Token.issue(self.user, "the scanner upstairs", 30)
        assert "the scanner upstairs" in self.alice.get("/accounts/").content.decode()

    def test_a_revoked_token_ends_at_once(self) -> None:
        token, text = Token.issue(self.user, "scanner", 30)
        self.alice.post(f"/accounts/tokens/{token.id}/revoke")
        answer = self.program(text).get("/api/v1/photos")
        assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")
        assert answer["WWW-Authenticate"] == "Bearer"

    def test_a_token_ends_by_itself(self) -> None:
        with at(NOON):
            text = Token.issue(self.user, "scanner", 1)[1]
            assert self.program(text).get("/api/v1/photos").status_code == 200
        with at(NOON + minutes(24 * 60 + 1)):
            assert self.program(text).get("/api/v1/photos").status_code == 401

    def test_there_are_bounds(self) -> None:
        assert self.alice.post("/accounts/tokens/", {"name": "", "days": 30}).status_code == 400
        assert self.alice.post("/accounts/tokens/", {"name": "x", "days": 9999}).status_code == 400
        for number in range(MOST):
            Token.issue(self.user, str(number), 30)
        assert self.alice.post("/accounts/tokens/", WISH).status_code == 400
        assert Token.objects.count() == MOST

    def test_a_guest_is_sent_to_sign_in(self) -> None:
        token = Token.issue(self.user, "scanner", 30)[0]
        for answer in (
            self.bob.get("/accounts/tokens/"),
            self.bob.post(f"/accounts/tokens/{token.id}/revoke"),
        ):
            assert answer.status_code == 302 and "/login/" in answer["Location"]

    def test_a_stranger_cannot_revoke(self) -> None:
        token = Token.issue(self.user, "scanner", 30)[0]
        self.bob.force_login(self.stranger)
        assert self.bob.post(f"/accounts/tokens/{token.id}/revoke").status_code == 404
        assert "scanner" not in self.bob.get("/accounts/tokens/").content.decode()
        assert Token.objects.exists()

    def test_making_and_revoking_need_a_csrf_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.user)
        token = Token.issue(self.user, "scanner", 30)[0]
        assert client.post("/accounts/tokens/", WISH).status_code == 403
        assert client.post(f"/accounts/tokens/{token.id}/revoke").status_code == 403
        assert Token.objects.count() == 1


class ApiTests(TokenTestCase):
    def test_a_session_makes_lists_and_revokes(self) -> None:
        made = self.alice.post("/api/v1/tokens", WISH)
        assert made.status_code == 201 and made.json()["token"].startswith("coloria_")
        (row,) = self.alice.get("/api/v1/tokens").json()
        assert row["name"] == "scanner" and "token" not in row
        assert self.alice.delete(f"/api/v1/tokens/{row['id']}").status_code == 204
        assert self.alice.get("/api/v1/tokens").json() == []

    def test_a_token_can_neither_make_nor_list_nor_revoke_tokens(self) -> None:
        program, token = self.program(), Token.objects.get
        for answer in (
            program.get("/api/v1/tokens"),
            program.post("/api/v1/tokens", WISH),
            program.delete(f"/api/v1/tokens/{token().id}"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "not_authenticated")
        assert Token.objects.count() == 1

    def test_a_guest_may_not(self) -> None:
        assert self.bob.get("/api/v1/tokens").status_code == 403
        assert self.bob.post("/api/v1/tokens", WISH).status_code == 403

    def test_a_strangers_token_is_not_there(self) -> None:
        token = Token.issue(self.user, "scanner", 30)[0]
        self.bob.force_login(self.stranger)
        assert self.bob.delete(f"/api/v1/tokens/{token.id}").status_code == 404
        assert self.bob.delete(f"/api/v1/tokens/{uuid4()}").status_code == 404
        assert self.bob.get("/api/v1/tokens").json() == []

    def test_a_browsers_session_needs_a_csrf_token(self) -> None:
        client = Client(enforce_csrf_checks=True, headers={"origin": "https://evil.example"})
        client.force_login(self.user)
        assert client.post("/api/v1/tokens", WISH).status_code == 403

    def test_there_may_not_be_too_many(self) -> None:
        for number in range(MOST):
            Token.issue(self.user, str(number), 30)
        assert self.alice.post("/api/v1/tokens", WISH).json()["code"] == "bad_request"


class ProgramTests(TokenTestCase):
    def test_a_photo_sent_with_a_token_is_the_accounts(self) -> None:
        photo = self.send(self.program())
        assert photo.owner == self.user and photo.guest == ""
        assert self.alice.get(f"/api/v1/photos/{photo.pk}").status_code == 200

    def test_a_token_needs_no_csrf_even_from_a_browser(self) -> None:
        headers = {"origin": "https://integration.example", "sec-fetch-site": "cross-site"}
        program = self.program(enforce_csrf_checks=True)
        answer = program.post(
            "/api/v1/photos", {"image": upload(), "model": "fake"}, headers=headers
        )
        assert answer.status_code == 202

    def test_no_session_begins(self) -> None:
        program = self.program()
        self.send(program)
        assert "sessionid" not in program.cookies

    def test_cookies_that_come_along_open_nothing(self) -> None:
        guests = self.coloured(client=self.bob)
        self.bob.defaults["HTTP_AUTHORIZATION"] = (
            f"Bearer {Token.issue(self.stranger, 'bob', 1)[1]}"
        )
        assert self.bob.get(f"/api/v1/photos/{guests.pk}").status_code == 404

    def test_every_address_that_the_json_names_takes_the_token(self) -> None:
        photo = self.coloured(client=self.program())
        program = self.program()
        shown = program.get(f"/api/v1/photos/{photo.pk}").json()
        (job,) = shown["jobs"]
        for address in (shown["preview"], job["preview"], job["download"]):
            assert program.get(address).status_code == 200
            assert self.program("coloria_" + "0" * 64).get(address).status_code == 401
            assert (
                self.program(Token.issue(self.stranger, "x", 1)[1]).get(address).status_code == 404
            )

    def test_a_strangers_token_sees_nothing(self) -> None:
        photo = self.coloured(client=self.program())
        bob = self.program(Token.issue(self.stranger, "bob", 1)[1])
        assert bob.get(f"/api/v1/photos/{photo.pk}").status_code == 404
        assert bob.delete(f"/api/v1/photos/{photo.pk}").status_code == 404
        assert bob.get("/api/v1/photos").json()["results"] == []
        assert Photo.objects.get().purged is None

    def test_nonsense_in_the_header_is_refused_and_harmless(self) -> None:
        for text in ("", "a b", "\x00" * 20, "é" * 20, "coloria_" + "f" * 5000):
            with self.subTest(text[:20]):
                answer = Client().get("/api/v1/photos", headers={"authorization": f"Bearer {text}"})
                assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")

    def test_an_account_that_may_not_sign_in_has_no_tokens(self) -> None:
        program = self.program()
        User.objects.filter(pk=self.user.pk).update(is_active=False)
        assert program.get("/api/v1/photos").status_code == 401
