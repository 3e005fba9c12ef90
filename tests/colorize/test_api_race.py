"""The same request a hundred times at once is one photo; on both databases."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings

from accounts.models import User
from accounts.tokens.model import Token
from colorize import quotas
from colorize.models import Job, Photo
from colorize.once import Once
from tests.base import empty_media, picture, upload

pytestmark = pytest.mark.django_db(transaction=True)
TIMES, AT_ONCE = 100, 8  # as many as the web server has threads


@pytest.fixture(autouse=True)
def _clean() -> object:
    cache.clear()
    yield
    empty_media()


def token() -> dict[str, str]:
    user = User.objects.create_user("alice@example.org")
    return {"authorization": f"Bearer {Token.issue(user, 'race', 1)[1]}"}


def post(headers: dict[str, str], key: str, content: bytes | None = None) -> tuple[int, str]:
    try:
        answer = Client(headers=headers).post(
            "/api/v1/photos",
            {"image": upload(content=content), "model": "fake"},
            headers={"Idempotency-Key": key},
        )
        return answer.status_code, answer.json().get("id", answer.json().get("code"))
    finally:
        connection.close()


def test_the_same_a_hundred_times_at_once_is_one_photo() -> None:
    headers = token()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda n: post(headers, "one"), range(TIMES)))
    assert Photo.objects.count() == Job.objects.count() == Once.objects.count() == 1
    assert set(answers) == {(202, str(Photo.objects.get().pk))}


def test_of_two_bodies_with_one_key_one_wins_and_the_other_hears_of_it() -> None:
    headers = token()
    bodies = [picture((20, 20)), picture((30, 20))]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda n: post(headers, "one", bodies[n % 2]), range(16)))
    counted = Counter(status for status, _ in answers)
    assert Photo.objects.count() == 1 and counted == {202: 8, 409: 8}
    assert {code for status, code in answers if status == 409} == {"idempotency_conflict"}


def test_a_session_is_as_good_as_a_token() -> None:
    known = Client()
    known.post("/api/v1/photos", {"image": upload(), "model": "fake"})
    cookie = SimpleCookie({"sessionid": known.cookies["sessionid"].value}).output(header="").strip()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = set(pool.map(lambda n: post({"cookie": cookie}, "one"), range(16)))
    assert len(answers) == 1 and Photo.objects.count() == 2


@override_settings(COLORIA_ACCOUNT_VERSIONS=5)
def test_a_quota_holds_however_many_ask_at_once() -> None:
    headers = token()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = [status for status, _ in pool.map(lambda n: post(headers, str(n)), range(16))]
    assert answers.count(202) == 5 and answers.count(429) == 11
    assert quotas.versions(User.objects.get(), "").left() == 0
