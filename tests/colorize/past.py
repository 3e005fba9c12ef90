"""What tests of the history share."""

import json
from html.parser import HTMLParser
from typing import Any

from django.db import connection
from django.test import Client

from accounts.models import User
from colorize.models import Job, Photo
from tests.base import NOON, BaseTestCase, minutes


class HistoryTestCase(BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = User.objects.create_user("alice@example.org")

    def sign_in(self) -> None:
        self.alice.force_login(self.user)

    def page(self, query: str = "", client: Client | None = None) -> str:
        answer = (client or self.alice).get(f"/history/{query}")
        assert answer.status_code == 200
        return str(answer.content.decode())

    def named(self, *names: str, query: str = "") -> set[str]:
        """Which of these names the page shows."""
        page = self.page(query)
        return {name for name in names if name in page}


def rows(user: User, count: int) -> None:
    """Rows of photos that are gone, written at once."""
    photos = [
        Photo(
            owner=user, name=f"{n}.png", format="PNG", width=24, height=16, bytes=99,
            created=NOON - minutes(n), deadline=NOON, purged=NOON,
        )
        for n in range(count)
    ]  # fmt: skip
    Photo.objects.bulk_create(photos)
    Job.objects.bulk_create(
        Job(photo=photo, model="fake", state="expired", outcome="done", seconds=1.0)
        for photo in photos
    )


def exported(client: Client) -> list[dict[str, Any]]:
    answer: Any = client.get("/history/export.json")
    assert answer["Content-Type"] == "application/json"
    found: list[dict[str, Any]] = json.loads(answer.getvalue())
    return found


def dump() -> str:
    """Every row of every table."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found += [repr(row) for row in cursor.fetchall()]
    return "\n".join(found)


def form_fields(page: str) -> dict[str, str]:
    """What a browser without scripts sends of the main page's form, but the file."""
    fields: dict[str, str] = {}

    class Fields(HTMLParser):
        name = ""

        def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
            has = dict(given)
            if tag == "select":
                self.name = has.get("name") or ""
            elif tag == "option" and "selected" in has:
                fields[self.name] = has.get("value") or ""
            elif tag == "input" and self.sends(has):
                fields[has["name"] or ""] = has.get("value") or ""

        def sends(self, has: dict[str, str | None]) -> bool:
            checked = has.get("type") != "checkbox" or "checked" in has
            return bool(has.get("name")) and has.get("type") != "file" and checked

    Fields().feed(page.partition('<form id="send"')[2].partition("</form>")[0])
    return fields
