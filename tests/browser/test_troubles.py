"""When the line, the server or the deadline comes between a visitor and the colours."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Response, Route, expect

from tests.browser.conftest import COLOUR
from tests.browser.photos import photo
from tests.browser.test_main_job import choose, coloured

pytestmark = pytest.mark.browser

PHOTO = "**/api/v1/photos/*"
UPLOAD = "**/api/v1/photos"
PREVIEW = "**/jobs/*/preview"
LOST = "Connection lost. We keep trying; you can leave this page open."
CHECKED = "Sent. The photo is being checked"
REFUSAL = {"detail": "Something went wrong on our side. Please try again.", "code": "internal"}


def send(page: Page) -> None:
    choose(page, photo("aunt.jpg"))
    page.get_by_role("button", name="Send").click()


def delete(page: Page) -> None:
    page.get_by_role("button", name="Delete now").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete now").click()


def test_a_phone_that_slept_past_the_deadline_hears_of_the_promise(page: Page) -> None:
    def late(route: Route) -> None:
        shown = route.fetch().json()
        shown["deleted"] = shown["expires"] = "2026-01-01T14:32:00Z"
        shown["jobs"][0]["state"] = "expired"
        route.fulfill(json=shown)

    page.route(PHOTO, late)
    send(page)
    expect(page.locator(".card .problem")).to_contain_text(
        re.compile(r"Deleted at \d\d:\d\d, ten minutes after it was ready, as promised\."),
        timeout=COLOUR,
    )
    expect(page.get_by_role("link", name="Download")).to_be_hidden()


def test_a_photo_deleted_in_another_tab_is_not_called_a_failure(page: Page) -> None:
    page.route(PHOTO, lambda route: route.abort())
    send(page)
    expect(page.locator("#said")).to_have_text(LOST)
    tab = page.context.new_page()
    tab.goto(page.locator("[data-part=page]").last.get_attribute("href") or "")
    delete(tab)
    expect(tab.get_by_text("Your photo and its colour versions are deleted.")).to_be_visible()
    page.unroute(PHOTO)
    expect(page.locator(".card .problem")).to_contain_text(
        re.compile(r"Deleted at \d\d:\d\d, as you asked\.")
    )


def test_a_photo_that_the_server_no_longer_knows_is_gone(page: Page) -> None:
    answer = {"detail": "There is nothing at this address.", "code": "not_found"}
    page.route(PHOTO, lambda route: route.fulfill(status=404, json=answer))
    send(page)
    expect(page.locator(".card .problem")).to_contain_text("This photo is gone")
    expect(page.locator(".card")).to_have_attribute("data-state", "expired")


def test_a_picture_that_does_not_come_costs_no_download(page: Page) -> None:
    page.route(PREVIEW, lambda route: route.abort())
    send(page)
    with page.expect_download():
        page.get_by_role("link", name="Download").click(timeout=COLOUR)
    expect(page.get_by_text(re.compile("^deleted in "))).to_be_visible()
    expect(page.locator(".card .problem")).to_be_hidden()


def test_pictures_wait_for_the_connection(page: Page) -> None:
    lost: list[str] = []

    def drop(route: Route) -> None:
        lost.append(route.request.url)
        route.abort()

    page.route(PREVIEW, drop)
    page.route(PHOTO, lambda route: route.abort() if lost else route.continue_())
    send(page)
    expect(page.locator("#said")).to_have_text(LOST, timeout=COLOUR)
    page.unroute(PREVIEW)
    page.unroute(PHOTO)
    expect(page.get_by_role("slider", name="aunt.jpg")).to_be_visible()


def test_deleting_offline_keeps_everything_until_it_is_done(page: Page) -> None:
    coloured(page, photo("aunt.jpg"))
    page.context.set_offline(True)
    delete(page)
    expect(page.locator("#said")).to_have_text(LOST)
    expect(page.get_by_role("slider", name="aunt.jpg")).to_be_visible()
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("#said")).to_have_text("aunt.jpg is deleted.")
    expect(page.locator("#cards")).to_be_empty()


def test_a_deletion_that_fails_is_said_and_takes_nothing_away(page: Page) -> None:
    coloured(page, photo("aunt.jpg"))
    page.route(PHOTO, lambda route: route.fulfill(status=500, json=REFUSAL))
    delete(page)
    error = page.locator(".card .problem")
    expect(error).to_contain_text(REFUSAL["detail"])
    expect(error).to_be_focused()
    error.get_by_role("button", name="Dismiss").click()
    expect(error).to_be_hidden()
    expect(page.get_by_role("slider", name="aunt.jpg")).to_be_visible()
    expect(page.get_by_role("link", name="Download")).to_be_visible()


def test_an_upload_outlasts_a_proxy_whose_server_is_away(page: Page) -> None:
    page.route(UPLOAD, lambda route: route.fulfill(status=502), times=1)
    send(page)
    expect(page.locator("#said")).to_have_text(LOST)
    expect(page.get_by_role("slider", name="aunt.jpg")).to_be_visible(timeout=COLOUR)


class Uploads:
    """Stands behind the server: uploads arrive, and their answers stop here until they are passed
    on or lost. Playwright's own routes end before the upload begins.
    """

    def __init__(self, page: Page, each: "Callable[[Uploads], None]") -> None:
        self.keys: list[str] = []
        self.paused: list[str] = []
        self.each = each
        self.line = page.context.new_cdp_session(page)
        self.line.on("Fetch.requestPaused", self.arrived)
        pattern = {"urlPattern": "*/api/v1/photos", "requestStage": "Response"}
        self.line.send("Fetch.enable", {"patterns": [pattern]})

    def arrived(self, event: dict[str, Any]) -> None:
        self.keys.append(event["request"]["headers"]["Idempotency-Key"])
        self.paused.append(event["requestId"])
        self.each(self)

    def lose(self) -> None:
        told = {"requestId": self.paused.pop(), "errorReason": "ConnectionReset"}
        self.line.send("Fetch.failRequest", told)

    def answer(self) -> None:
        self.line.send("Fetch.continueResponse", {"requestId": self.paused.pop()})

    def lose_the_first(self) -> None:
        self.lose() if len(self.keys) == 1 else self.answer()


def photos(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.request.get("/api/v1/photos").json()["results"]
    return found


def deletion(response: Response) -> bool:
    return response.request.method == "DELETE" and "/photos/" in response.url


def cancel(page: Page) -> None:
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#cards")).to_be_empty()


def test_a_photo_whose_answer_was_lost_is_there_once(page: Page) -> None:
    uploads = Uploads(page, Uploads.lose_the_first)
    send(page)
    expect(page.locator("#said")).to_have_text(LOST)
    expect(page.get_by_role("slider", name="aunt.jpg")).to_be_visible(timeout=COLOUR)
    assert len(uploads.keys) == 2 and len(set(uploads.keys)) == 1
    assert len(photos(page)) == 1


def test_the_same_file_sent_again_is_another_photo(page: Page) -> None:
    uploads = Uploads(page, Uploads.answer)
    choose(page, photo("aunt.jpg"), photo("aunt.jpg"))
    page.get_by_role("button", name="Send 2 photos").click()
    expect(page.get_by_role("slider", name="aunt.jpg")).to_have_count(2, timeout=COLOUR)
    assert len(set(uploads.keys)) == 2 == len(photos(page))


def test_cancelling_before_all_is_sent_ends_the_upload(page: Page) -> None:
    page.route(UPLOAD, lambda route: None)
    with page.expect_request(UPLOAD):
        send(page)
    with page.expect_event("requestfailed"):
        cancel(page)
    assert photos(page) == []


def test_cancelling_before_the_answer_leaves_no_photo_behind(page: Page) -> None:
    uploads = Uploads(page, lambda uploads: None)
    send(page)
    expect(page.locator("#cards [data-part=status]")).to_have_text(CHECKED)
    cancel(page)
    while not uploads.paused:
        page.wait_for_timeout(50)
    with page.expect_response(deletion):
        uploads.answer()
    assert [bool(one["deleted"]) for one in photos(page)] == [True]


def test_cancelling_after_a_lost_answer_leaves_no_photo_behind(page: Page) -> None:
    uploads = Uploads(page, Uploads.lose_the_first)
    send(page)
    expect(page.locator("#said")).to_have_text(LOST)
    with page.expect_response(deletion):
        cancel(page)
    assert len(set(uploads.keys)) == 1
    assert [bool(one["deleted"]) for one in photos(page)] == [True]


def test_a_page_does_not_reload_at_once_after_an_error(page: Page) -> None:
    loads: list[str] = []

    def waiting(route: Route) -> None:
        loads.append(route.request.url)
        body = route.fetch().text().replace("<main", '<main data-watch="some-photo"')
        route.fulfill(body=body, content_type="text/html")

    page.route("**/about/", waiting)
    page.route(PHOTO, lambda route: route.fulfill(status=500, json=REFUSAL))
    with page.expect_response(PHOTO):
        page.goto("/about/")
    page.wait_for_timeout(1500)
    assert len(loads) == 1


def test_the_controls_of_a_card_name_its_file(page: Page) -> None:
    """Five cards would else have five buttons that read alike; the names are seen by nobody."""
    choose(page, photo("aunt.jpg"))
    expect(page.get_by_role("button", name="Remove aunt.jpg", exact=True)).to_be_visible()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("button", name="Delete now aunt.jpg", exact=True)).to_be_visible(
        timeout=COLOUR
    )
    expect(page.get_by_role("link", name="Download aunt.jpg", exact=True)).to_be_visible()
    labels = [page.locator(f"#cards [data-part={part}]") for part in ("cancel", "page")]
    assert [label.text_content() for label in labels] == [
        "Cancel aunt.jpg",
        "View larger aunt.jpg",
    ]
    expect(page.locator("#cards progress")).to_have_attribute("aria-label", "Progress aunt.jpg")
