"""What every answer of the API tells of its limits, and who calls too often."""

from unittest import mock
from uuid import uuid4

from django.test import Client, override_settings

from accounts.models import User
from accounts.tokens.model import Token
from colorize import quotas
from tests.base import NOON, BaseTestCase, at, minutes, upload

FAR = Client(REMOTE_ADDR="198.51.100.7")


class LimitTests(BaseTestCase):
    def test_every_answer_tells_what_is_left(self) -> None:
        for method, address in (
            ("get", "/api/v1/models"),
            ("get", "/api/v1/nothing"),
            ("get", f"/api/v1/photos/{uuid4()}"),
            ("put", "/api/v1/photos"),
            ("post", "/api/v1/photos"),
            ("get", "/api/schema/"),
            ("get", "/api/docs/"),
            ("post", "/test"),
            ("get", f"/download/{uuid4()}"),
        ):
            with self.subTest(f"{method} {address}"):
                answer = getattr(self.alice, method)(address)
                assert answer["RateLimit-Policy"] == '"calls";q=600;w=60, "versions";q=200;w=86400'
                assert answer["RateLimit"].startswith('"calls";r=')

    def test_a_failure_of_ours_tells_it_too(self) -> None:
        self.alice.raise_request_exception = False
        with mock.patch("colorize.api.site.catalogue.default", side_effect=ZeroDivisionError):
            answer = self.alice.get("/api/v1/models")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert "RateLimit" in answer and "RateLimit-Policy" in answer

    def test_each_call_counts_until_the_next_minute(self) -> None:
        with at(NOON + minutes(0.25)):
            answers = [self.alice.get("/api/v1/models")["RateLimit"] for _ in range(2)]
        assert [answer.split(",")[0] for answer in answers] == [
            '"calls";r=599;t=45',
            '"calls";r=598;t=45',
        ]
        with at(NOON + minutes(1)):
            assert '"calls";r=599;t=60' in self.alice.get("/api/v1/models")["RateLimit"]

    @override_settings(COLORIA_GUEST_CALLS=2)
    def test_who_calls_too_often_is_told_when(self) -> None:
        with at(NOON + minutes(0.5)):
            answers = [self.alice.get("/api/v1/models") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2]["Retry-After"] == "30"
        assert answers[2].json()["code"] == "too_many_requests"
        assert '"calls";r=0;t=30' in answers[2]["RateLimit"]

    @override_settings(COLORIA_GUEST_CALLS=1)
    def test_guests_are_counted_by_address_and_not_by_cookie(self) -> None:
        self.alice.get("/api/v1/models")
        assert Client().get("/api/v1/models").status_code == 429
        assert FAR.get("/api/v1/models").status_code == 200

    @override_settings(COLORIA_GUEST_CALLS=1)
    def test_an_account_is_counted_by_itself(self) -> None:
        self.alice.get("/api/v1/models")
        self.bob.force_login(User.objects.create_user("bob@example.org"))
        answer = self.bob.get("/api/v1/models")
        assert answer.status_code == 200 and "q=1200" in answer["RateLimit-Policy"]

    @override_settings(COLORIA_GUEST_CALLS=1)
    def test_a_made_up_token_is_no_way_around(self) -> None:
        for number in range(3):
            answer = self.alice.get(
                "/api/v1/models", headers={"authorization": f"Bearer coloria_{number:064}"}
            )
        assert answer.status_code == 429

    def test_an_ipv6_network_is_one_guest(self) -> None:
        first, second = (quotas.whose(None, f"2001:db8:1:2::{n}") for n in (1, 2))
        assert first == second != quotas.whose(None, "2001:db8:1:3::1")


@override_settings(COLORIA_GUEST_VERSIONS=2)
class QuotaTests(BaseTestCase):
    def post(self, **fields: object) -> object:
        return self.alice.post("/api/v1/photos", {"image": upload(), "model": "fake"} | fields)

    def test_beyond_the_quota_a_photo_is_refused_until_midnight(self) -> None:
        with at(NOON):
            answers = [self.post() for _ in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert answers[2].json()["code"] == "quota_reached"
        assert answers[2]["Retry-After"] == str(12 * 3600)
        assert "00:00 UTC" in answers[2].json()["detail"]
        with at(NOON + minutes(12 * 60)):
            assert self.post().status_code == 202

    def test_all_models_count_as_many_versions(self) -> None:
        assert self.post(model="all").status_code == 429
        assert '"versions";r=2' in self.alice.get("/api/v1/models")["RateLimit"]

    def test_a_refused_photo_costs_nothing(self) -> None:
        assert self.post(image=upload(content=b"text")).status_code == 415
        assert '"versions";r=2' in self.alice.get("/api/v1/models")["RateLimit"]

    def test_colouring_once_more_counts(self) -> None:
        photo = self.send()
        again = [
            self.alice.post(f"/api/v1/photos/{photo.pk}/jobs", {"model": "fake", "seed": seed})
            for seed in (1, 2)
        ]
        assert [answer.status_code for answer in again] == [202, 429]

    def test_of_several_photos_those_beyond_are_named(self) -> None:
        files = [upload(f"{n}.png") for n in range(3)]
        answer = self.alice.post("/api/v1/upload", {"photos": files, "model": "fake"}).json()
        assert len(answer["photos"]) == 2
        assert [error["code"] for error in answer["errors"]] == ["quota_reached"]

    def test_where_all_of_several_photos_are_beyond_it_is_told_when(self) -> None:
        with at(NOON):
            for _ in range(2):
                self.post()
            answer = self.alice.post("/api/v1/upload", {"photos": upload(), "model": "fake"})
        assert (answer.status_code, answer.json()["code"]) == (429, "quota_reached")
        assert answer["Retry-After"] == str(12 * 3600)

    def test_the_form_says_how_many_are_left(self) -> None:
        self.send()
        assert "1 of 2 colour versions left today" in self.alice.get("/").content.decode()

    def test_the_account_page_says_how_many_are_left(self) -> None:
        self.alice.force_login(User.objects.create_user("alice@example.org"))
        page = self.alice.get("/accounts/").content.decode()
        assert "2000 of 2000 colour versions left today" in page

    def test_a_token_spends_its_accounts_quota(self) -> None:
        user = User.objects.create_user("alice@example.org")
        text = Token.issue(user, "test", 1)[1]
        headers = {"authorization": f"Bearer {text}"}
        answer = Client().post(
            "/api/v1/photos", {"image": upload(), "model": "fake"}, headers=headers
        )
        assert '"versions";r=1999' in answer["RateLimit"]
