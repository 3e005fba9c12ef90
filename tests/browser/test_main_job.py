"""From the choice of a photo to its deletion, as a visitor does it (S151-S157, S165-S169)."""

import re

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import COLOUR
from tests.browser.photos import photo, size

pytestmark = pytest.mark.browser


def choose(page: Page, *photos: dict[str, object]) -> None:
    page.goto("/")
    page.set_input_files("#photos", list(photos))


def coloured(page: Page, *photos: dict[str, object]) -> None:
    choose(page, *photos)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("slider").first).to_be_visible(timeout=COLOUR)


def test_a_photo_is_coloured_with_two_presses_after_the_choice(page: Page) -> None:
    """S152-S154: choosing moves the focus to Send, and Send is one press; the wait is announced."""
    choose(page, photo("aunt.jpg"))
    expect(page.get_by_role("button", name="Send")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text(
        re.compile(r"Colour ready, \d+ seconds?: aunt.jpg"), timeout=COLOUR
    )
    expect(page.get_by_text(re.compile(r"^deleted in (9:\d\d|10:00)$"))).to_be_visible()


def test_the_line_moves_by_keyboard(page: Page) -> None:
    """S155: arrows move by 5 %, Home and End to the ends; name and value are spoken."""
    coloured(page, photo("aunt.jpg"))
    slider = page.get_by_role("slider", name="Compare before and after: aunt.jpg")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_value("55")
    expect(slider).to_have_attribute("aria-valuetext", "55% before, 45% in colour")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_value("45")
    page.keyboard.press("Home")
    expect(slider).to_have_value("0")
    page.keyboard.press("End")
    expect(slider).to_have_value("100")


def test_a_single_tap_moves_the_line(page: Page) -> None:
    """No dragging needed (WCAG 2.5.7); what shows after the line is the coloured picture."""
    coloured(page, photo("aunt.jpg"))
    frame = page.locator("#cards .compare")
    box = frame.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.2, box["y"] + 40)
    assert abs(float(frame.get_by_role("slider").input_value()) - 20) <= 1
    after = frame.locator(".after").evaluate("element => getComputedStyle(element).clipPath")
    assert re.match(r"inset\(0px 0px 0px (19|20)", after)


def test_the_download_has_the_pixels_of_the_input_and_is_in_colour(page: Page) -> None:
    coloured(page, photo("aunt.jpg", 401, 267))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "aunt_coloria.jpg"
    assert size(download.value.path()) == (401, 267)
    with Image.open(download.value.path()) as image:
        _, blue, red = image.convert("YCbCr").split()
    assert blue.getextrema() != (128, 128) or red.getextrema() != (128, 128)


def test_the_key_d_downloads_the_photo_that_has_the_focus(page: Page) -> None:
    coloured(page, photo("aunt.jpg"))
    page.get_by_role("slider").focus()
    with page.expect_download():
        page.keyboard.press("d")


def test_the_delete_key_deletes_after_a_question(page: Page) -> None:
    coloured(page, photo("aunt.jpg"))
    address = page.get_by_role("link", name="View larger").get_attribute("href") or ""
    page.get_by_role("slider").focus()
    page.keyboard.press("Delete")
    dialog = page.get_by_role("dialog", name="Delete this photo now?")
    expect(dialog).to_contain_text("aunt.jpg")
    dialog.get_by_role("button", name="Delete now").click()
    expect(page.locator("#said")).to_have_text("aunt.jpg is deleted.")
    expect(page.locator("#cards")).to_be_empty()
    answer = page.goto(address)
    assert answer and answer.status == 410


def test_keeping_is_the_answer_of_the_escape_key(page: Page) -> None:
    coloured(page, photo("aunt.jpg"))
    page.get_by_role("button", name="Delete now").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("slider").first).to_be_visible()


def test_a_reload_finds_the_photo_again(page: Page) -> None:
    coloured(page, photo("aunt.jpg"))
    page.reload()
    expect(page.get_by_role("slider", name="Compare before and after: aunt.jpg")).to_be_visible()


def test_the_photo_page_shows_the_result_and_deletes(page: Page) -> None:
    """S157: every result has a page of its own with a download, and a way back."""
    coloured(page, photo("aunt.jpg"))
    page.get_by_role("link", name="View larger").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("aunt.jpg")
    expect(page.get_by_role("slider", name="Compare before and after: aunt.jpg")).to_be_visible()
    expect(page.get_by_role("link", name="Colour another photo")).to_be_visible()
    page.get_by_role("button", name="Delete now").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete now").click()
    expect(page.get_by_text("Your photo and its colour versions are deleted.")).to_be_visible()


def test_a_lost_connection_is_said_and_waited_out(page: Page) -> None:
    choose(page, photo("aunt.jpg"))
    page.context.set_offline(True)
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#said")).to_have_text(
        "Connection lost. We keep trying; you can leave this page open."
    )
    page.context.set_offline(False)
    expect(page.get_by_role("slider").first).to_be_visible(timeout=COLOUR)
