"""All models, one photo: the page that fills while they work, and the settings (S016-S018, S139).

A site with two fakes beside the bundled model; a fake that is sent seed 103 breaks.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.conftest import COLOUR, serve
from tests.browser.photos import photo, size
from tests.browser.test_access import findings
from tests.browser.test_main_job import choose
from tests.fakes import BREAK, DAWDLE

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site with three models."""
    with serve(tmp_path_factory.mktemp("zoo"), {"DJANGO_SETTINGS_MODULE": "tests.settings"}) as at:
        yield at


@pytest.fixture(params=["light", "dark"])
def lit(request: pytest.FixtureRequest, browser: Browser, zoo: str) -> Iterator[Page]:
    scheme = request.param
    with browser.new_context(
        base_url=zoo, color_scheme=scheme, locale="en-GB", reduced_motion="reduce"
    ) as context:
        context.set_default_timeout(15_000)
        yield context.new_page()


@pytest.fixture
def page(browser: Browser, zoo: str) -> Iterator[Page]:
    """A page on which a script error fails the test."""
    faults: list[str] = []
    with browser.new_context(base_url=zoo, locale="en-GB", accept_downloads=True) as context:
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        yield page
    assert faults == []


def send_to_all(page: Page, seed: int | None = None) -> None:
    choose(page, photo("aunt.jpg"))
    page.get_by_label("Model").select_option("all")
    if seed is not None:
        page.get_by_text("More settings").click()
        page.get_by_label("Seed").fill(str(seed))
    page.get_by_role("button", name="Send").click()


def versions(page: Page, seed: int | None = None) -> None:
    """The page of a photo whose jobs are being done."""
    send_to_all(page, seed)
    page.get_by_role("link", name="All versions").click(timeout=COLOUR)
    expect(page.get_by_role("heading", level=1)).to_have_text("aunt.jpg")


def version(page: Page, title: str) -> Locator:
    return page.get_by_role("article", name=title)


def colour_again_slowly(page: Page) -> None:
    """The last version of three takes a few seconds more."""
    expect(page.get_by_text("3 of 3 colour versions ready")).to_be_visible(timeout=COLOUR)
    page.get_by_label("Model").select_option("fake")
    page.get_by_text("More settings").click()
    page.get_by_label("Seed").fill(str(DAWDLE))
    page.get_by_role("button", name="Colour again").click()
    expect(page.locator(".versions article")).to_have_count(5)


def test_all_models_take_one_photo(page: Page) -> None:
    """S139: said before anything is sent; another model lifts it."""
    choose(page, photo("a.jpg"), photo("b.jpg"))
    page.get_by_label("Model").select_option("all")
    expect(page.locator("#too-many")).to_have_text(
        "You chose 2 photos. All models take 1 at a time. Remove 1 to go on.", use_inner_text=True
    )
    expect(page.get_by_role("button", name="Send 2 photos")).to_be_disabled()
    page.get_by_label("Model").select_option("plain")
    expect(page.get_by_role("button", name="Send 2 photos")).to_be_enabled()


def test_the_card_counts_the_versions_and_leads_to_them(page: Page) -> None:
    send_to_all(page, BREAK)
    card = page.locator("#cards .card")
    expect(card).to_have_attribute("data-state", "ready", timeout=COLOUR)
    expect(card.locator(".state")).to_have_text("2 of 3 colour versions ready")
    expect(card.get_by_role("link", name="Download")).to_be_hidden()
    expect(card.get_by_role("link", name="All versions")).to_be_visible()


def test_one_failing_model_does_not_hide_the_others(page: Page) -> None:
    versions(page, BREAK)
    expect(page.get_by_text("2 of 3 colour versions ready")).to_be_visible(timeout=COLOUR)
    titles = page.locator("article h2")
    expect(titles).to_have_text(["As it was sent", "Coloria", "Fake", "Plain"])
    expect(version(page, "Fake")).to_contain_text("Something went wrong on our side.")
    for title in ("Coloria", "Plain"):
        expect(version(page, title).get_by_role("slider", name=title)).to_be_visible()
        expect(version(page, title)).to_contain_text(re.compile(r"ready in \d+\.\d s"))
        expect(version(page, title)).to_contain_text(re.compile(r"401 . 267 px . [\d.]+.KB"))
    with page.expect_download() as download:
        version(page, "Plain").get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "aunt_plain.jpg"
    assert size(download.value.path()) == (401, 267)


def test_versions_join_the_page_as_they_become_ready(page: Page) -> None:
    """The page is not loaded again, and the slider in use stays where it was moved."""
    versions(page)
    colour_again_slowly(page)
    slider = version(page, "Coloria").get_by_role("slider")
    slider.focus()
    page.keyboard.press("Home")
    page.evaluate("window.untouched = true")
    expect(page.get_by_text("4 of 4 colour versions ready")).to_be_visible(timeout=COLOUR)
    expect(page.locator("article[data-state=done]")).to_have_count(4)
    expect(slider).to_have_value("0")
    expect(slider).to_be_focused()
    expect(page.locator("#until")).to_have_text(re.compile("^deleted in (9:|10:)"))
    assert page.evaluate("window.untouched")


def test_a_version_that_becomes_ready_is_announced(page: Page) -> None:
    versions(page)
    colour_again_slowly(page)
    expect(page.locator("#said")).to_have_text(
        re.compile(r"Fake: Colour ready in \d+\.\d s"), timeout=COLOUR
    )


def test_a_page_that_cannot_be_read_is_asked_for_again(page: Page) -> None:
    versions(page)
    colour_again_slowly(page)
    refused: list[str] = []

    def refuse(route: Route) -> None:
        refused.append(route.request.url)
        if len(refused) > 2:
            route.continue_()
        else:
            route.fulfill(status=502)

    page.route(re.compile(r":\d+/photos/[0-9a-f-]+/$"), refuse)
    expect(page.locator("article[data-state=done]")).to_have_count(4, timeout=COLOUR)
    assert len(refused) > 2


def test_the_key_d_downloads_the_version_that_has_the_focus(page: Page) -> None:
    versions(page)
    version(page, "Plain").get_by_role("slider").focus(timeout=COLOUR)
    with page.expect_download() as download:
        page.keyboard.press("d")
    assert download.value.suggested_filename == "aunt_plain.jpg"


def test_only_the_settings_of_the_chosen_model_are_shown(page: Page) -> None:
    choose(page, photo("aunt.jpg"))
    page.get_by_label("Model").select_option("fake")
    page.get_by_text("More settings").click()
    for label in ("Render factor", "What is in the picture", "Seed"):
        expect(page.get_by_label(label)).to_be_visible()
    page.get_by_label("Model").select_option("plain")
    expect(page.get_by_text("More settings")).to_be_hidden()
    expect(page.get_by_label("Colour")).to_be_visible()


def test_settings_are_sent_and_shown_with_the_result(page: Page) -> None:
    choose(page, photo("aunt.jpg"))
    page.get_by_label("Model").select_option("fake")
    page.get_by_text("More settings").click()
    subject = page.get_by_label("What is in the picture")
    with page.expect_response("**/api/v1/classes"):
        subject.focus()
    expect(page.locator("#subjects option")).to_have_count(1000)
    subject.fill("281 tabby")
    page.get_by_label("Render factor").fill("20")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("link", name="View larger").click(timeout=COLOUR)
    shown = page.locator(".wishes")
    expect(shown).to_contain_text("tabby (281)")
    expect(shown).to_contain_text(re.compile("Render factor\\s*20"))


def test_a_setting_out_of_bounds_is_shown_where_it_is(page: Page) -> None:
    choose(page, photo("aunt.jpg"))
    page.get_by_label("Model").select_option("fake")
    page.get_by_text("More settings").click()
    page.get_by_label("Render factor").fill("6")
    page.get_by_text("More settings").click()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Render factor")).to_be_focused()
    expect(page.locator("#cards .card")).to_have_attribute("data-state", "chosen")


def test_another_version_is_one_press(page: Page) -> None:
    choose(page, photo("aunt.jpg"))
    page.get_by_label("Model").select_option("fake")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("link", name="View larger").click(timeout=COLOUR)
    page.get_by_role("button", name="Another version").click()
    expect(page.get_by_text("2 of 2 colour versions ready")).to_be_visible(timeout=COLOUR)
    expect(page.locator(".wishes").last).to_contain_text(re.compile(r"Seed\s*1"))


def test_it_all_works_without_scripts(browser: Browser, zoo: str) -> None:
    with browser.new_context(base_url=zoo, java_script_enabled=False, locale="en-GB") as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_label("Choose photos").set_input_files([photo("aunt.jpg")])
        page.get_by_label("Model").select_option("all")
        page.get_by_role("button", name="Send").click()
        done = page.get_by_text("3 of 3 colour versions ready")
        expect(done).to_be_visible(timeout=COLOUR)
        page.get_by_label("Model").select_option("plain")
        page.get_by_role("button", name="Colour again").click()
        expect(page.get_by_text("4 of 4 colour versions ready")).to_be_visible(timeout=COLOUR)


def test_axe_finds_nothing(lit: Page) -> None:
    choose(lit, photo("aunt.jpg"))
    lit.get_by_label("Model").select_option("all")
    lit.get_by_text("More settings").click()
    assert findings(lit) == []
    versions(lit, BREAK)
    expect(lit.get_by_text("2 of 3 colour versions ready")).to_be_visible(timeout=COLOUR)
    lit.get_by_label("Model").select_option("fake")
    lit.get_by_text("More settings").click()
    assert findings(lit) == []


def test_nothing_sticks_out_of_a_small_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    choose(page, photo("aunt.jpg"))
    page.get_by_label("Model").select_option("all")
    page.get_by_text("More settings").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    versions(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
