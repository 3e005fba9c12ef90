"""With JavaScript off: send, wait, download, delete, change the language."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import COLOUR
from tests.browser.photos import photo, size

pytestmark = pytest.mark.browser


@pytest.fixture
def plain(browser: Browser, site: str) -> Iterator[Page]:
    context = browser.new_context(base_url=site, java_script_enabled=False, locale="en-GB")
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def send(page: Page, *photos: dict[str, object]) -> None:
    page.goto("/")
    page.get_by_label("Choose photos").set_input_files(list(photos))
    page.get_by_role("button", name="Send").click()


def test_the_page_refreshes_itself_until_the_colour_is_there(plain: Page) -> None:
    send(plain, photo("aunt.jpg"))
    expect(plain.get_by_text(re.compile("Colour ready"))).to_be_visible(timeout=COLOUR)
    sides = [plain.locator(f".{side} img").bounding_box() for side in ("before", "after")]
    assert sides[0] and sides[1] and sides[0]["x"] + sides[0]["width"] <= sides[1]["x"]
    with plain.expect_download() as download:
        plain.get_by_role("link", name="Download").click()
    assert size(download.value.path()) == (401, 267)


def test_a_form_is_not_emptied_while_it_is_filled_in(plain: Page) -> None:
    """The page reloads itself only while it shows no such form."""
    send(plain, photo("large.jpg", 1600, 1000))
    stop = plain.get_by_role("link", name="Stop that to use its forms")
    assert stop.is_visible() and plain.get_by_role("button", name="Colour again").is_hidden()
    plain.goto(f"{plain.url}?still=1")
    expect(plain.get_by_role("button", name="Colour again")).to_be_visible()


def test_delete_now_needs_no_script(plain: Page) -> None:
    send(plain, photo("aunt.jpg"))
    address = plain.url
    plain.get_by_role("button", name="Delete now").click()
    expect(plain.get_by_text("Your photo and its colour versions are deleted.")).to_be_visible()
    answer = plain.goto(address)
    assert answer and answer.status == 410


def test_several_photos_lead_to_the_list_with_the_refused_one_named(plain: Page) -> None:
    send(plain, photo("a.jpg"), photo("torn.jpg", cut=3000), photo("b.jpg"))
    expect(plain).to_have_url(re.compile("/history/$"))
    expect(plain.get_by_text('"torn.jpg" is damaged and cannot be opened.')).to_be_visible()
    expect(plain.get_by_role("link", name="a.jpg", exact=True)).to_be_visible()
    expect(plain.get_by_role("link", name="b.jpg", exact=True)).to_be_visible()


def test_the_language_is_changed_in_the_footer(plain: Page) -> None:
    plain.goto("/how-it-works/")
    plain.get_by_role("button", name="Français").click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("Comment ça marche")
    expect(plain.locator("html")).to_have_attribute("lang", "fr")
