"""Choosing photos: preview, refusals beside the file, dropping, smaller copies.

S138, S144-S146, S152, S167, S168, S173-S175.
"""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import COLOUR
from tests.browser.photos import photo, size
from tests.browser.test_main_job import choose

pytestmark = pytest.mark.browser

SLOW = "Object.defineProperty(navigator, 'connection', {value: {saveData: true}})"
DROP = """bytes => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], "dropped.jpg", {type: "image/jpeg"}));
  const options = {bubbles: true, cancelable: true};
  document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, ...options}));
}"""
PASTE = DROP.replace('DragEvent("drop", {dataTransfer', 'ClipboardEvent("paste", {clipboardData')


def test_the_own_photo_is_shown_upright_at_once(page: Page) -> None:
    """Stored lying with an EXIF quarter turn, it is drawn standing, before anything is sent."""
    choose(page, photo("turned.jpg", 400, 240, turned=True))
    canvas = page.locator("#cards canvas")
    expect(canvas).to_be_visible()
    assert canvas.evaluate("c => [c.width, c.height]") == [240, 400]
    expect(page.get_by_text(re.compile("240 . 400 px"))).to_be_visible()


def test_six_photos_are_too_many_until_one_is_removed(page: Page) -> None:
    """S138, S175: the sentence has the focus and stays; removing a photo lifts it."""
    choose(page, *(photo(f"{n}.jpg") for n in range(6)))
    problem = page.locator("#too-many")
    expect(problem).to_have_text(
        "You chose 6 photos. Send up to 5 at a time. Remove 1 to go on.", use_inner_text=True
    )
    expect(problem).to_be_focused()
    expect(page.get_by_role("button", name="Send 6 photos")).to_be_disabled()
    page.get_by_role("button", name="Remove").first.click()
    expect(problem).to_be_hidden()
    expect(page.get_by_role("button", name="Send 5 photos")).to_be_enabled()


@pytest.mark.parametrize(
    ("name", "kind"), [("notes.pdf", "application/pdf"), ("notes.jpg", "text/plain")]
)
def test_what_is_no_photo_is_refused_beside_its_name(page: Page, name: str, kind: str) -> None:
    """S173: the type must be an image's and the ending one of the list; the error has the focus."""
    choose(page, {"name": name, "mimeType": kind, "buffer": b"%PDF-1.7"})
    error = page.locator(".card .problem")
    expect(error).to_contain_text(f'"{name}" is not a photo we can read.')
    expect(error).to_be_focused()
    expect(page.get_by_role("button", name="Send")).to_be_hidden()
    error.get_by_role("button", name="Dismiss").click()
    expect(page.locator("#cards")).to_be_empty()


def test_a_name_is_shown_as_text_and_never_as_markup(page: Page) -> None:
    """S174."""
    name = "<img src=x onerror=alert(1)>.jpg"
    choose(page, photo(name))
    expect(page.locator("#cards").get_by_role("heading")).to_have_text(name)
    assert page.locator("#cards img").count() == 0


def test_a_damaged_file_does_not_cost_the_good_one(page: Page) -> None:
    """S146: the server's sentence stands beside the bad file; the good one is coloured."""
    choose(page, photo("torn.jpg", cut=3000), photo("good.jpg"))
    page.get_by_role("button", name="Send 2 photos").click()
    expect(page.get_by_role("slider", name="good.jpg")).to_be_visible(timeout=COLOUR)
    expect(page.locator(".card .problem:visible")).to_have_text(
        '"torn.jpg" is damaged and cannot be opened. Try exporting it again.\nDismiss torn.jpg',
        use_inner_text=True,
    )


def test_photos_that_wait_their_turn_are_not_sent_twice(page: Page) -> None:
    """They go one by one; the button is gone at once, and the second can be cancelled."""
    page.route("**/api/v1/photos", lambda route: None)  # the first upload takes for ever
    choose(page, photo("first.jpg"), photo("second.jpg"))
    page.get_by_role("button", name="Send 2 photos").click()
    expect(page.locator("#send-button")).to_be_hidden()
    page.get_by_role("button", name="Cancel").last.click()
    expect(page.locator("#cards").get_by_role("heading")).to_have_text(["first.jpg"])


@pytest.mark.parametrize("gesture", [DROP, PASTE], ids=["drop", "paste"])
def test_a_photo_may_be_dropped_or_pasted(page: Page, gesture: str) -> None:
    page.goto("/")
    page.evaluate(gesture, list(photo("dropped.jpg")["buffer"]))
    expect(page.locator("#cards").get_by_role("heading")).to_have_text("dropped.jpg")


def test_a_smaller_copy_is_offered_on_a_metered_connection(context: BrowserContext) -> None:
    """S167: fitted into 1024 px with its aspect kept, and only if the visitor says so."""
    context.add_init_script(SLOW)
    page = context.new_page()
    choose(page, photo("large.jpg", 1600, 1000))
    page.get_by_label("send smaller copies").check()
    page.get_by_role("button", name="Send").click()
    with page.expect_download(timeout=COLOUR) as download:
        page.get_by_role("link", name="Download").click(timeout=COLOUR)
    assert size(download.value.path()) == (1024, 640)


def test_full_size_is_the_default(page: Page) -> None:
    choose(page, photo("large.jpg", 1600, 1000))
    expect(page.get_by_label("send smaller copies")).to_be_hidden()
    page.get_by_role("button", name="Send").click()
    with page.expect_download(timeout=COLOUR) as download:
        page.get_by_role("link", name="Download").click(timeout=COLOUR)
    assert size(download.value.path()) == (1600, 1000)


def test_the_colour_may_be_more_vivid(page: Page) -> None:
    """Natural unless the visitor says so."""
    choose(page, photo("aunt.jpg"))
    expect(page.get_by_label("Colour")).to_have_value("1")
    page.get_by_label("Colour").select_option("vivid")
    with page.expect_response("**/api/v1/photos") as answer:
        page.get_by_role("button", name="Send").click()
    assert answer.value.json()["jobs"][0]["settings"]["strength"] == 1.4
