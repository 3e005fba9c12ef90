"""Pages for everybody (S002, S163-S166, S170, S172, S181): axe-core, small screens, skip link."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.browser.photos import photo
from tests.browser.test_main_job import choose, coloured

pytestmark = pytest.mark.browser

RULES = """{
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  rules: {"target-size": {enabled: true}},
}"""
AXE = (Path(__file__).parents[1] / "vendor/axe.min.js").read_text()
PAGES = [
    "/",
    "/history/",
    "/models/",
    "/models/coloria/",
    "/models/stable-x/",
    "/models/bigcolor-x/",
    "/how-it-works/",
    "/about/",
    "/nothing-here/",
]
LANDING = 150_000  # bytes, examples not counted


@pytest.fixture(params=["light", "dark"])
def lit(request: pytest.FixtureRequest, browser: Browser, site: str) -> Iterator[Page]:
    context = browser.new_context(
        base_url=site, color_scheme=request.param, locale="en-GB", reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


def findings(page: Page) -> list[Any]:
    """What axe-core finds: WCAG 2.2 A and AA, and good practice."""
    page.evaluate(AXE)  # the debugger's evaluation is not bound by the page's security policy
    found = page.evaluate(f"axe.run(document, {RULES})")
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]


def test_axe_is_awake(lit: Page) -> None:
    """A fault planted on a page is found; else the tests below could not fail."""
    lit.goto("/about/")
    lit.evaluate("document.querySelector('main').append(document.createElement('input'))")
    assert [rule for rule, _ in findings(lit)] == ["label"]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(lit: Page, path: str) -> None:
    lit.goto(path)
    assert findings(lit) == []


def test_axe_finds_nothing_around_photos(lit: Page) -> None:
    """Chosen and refused; in colour; the question before deletion; own page and list."""
    choose(lit, photo("good.jpg"), {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b""})
    assert findings(lit) == []
    coloured(lit, photo("aunt.jpg"))
    assert findings(lit) == []
    address = lit.get_by_role("link", name="View larger").get_attribute("href") or ""
    lit.get_by_role("button", name="Delete now").click()
    assert findings(lit) == []
    for path in (address, "/history/"):
        lit.goto(path)
        assert findings(lit) == []


def test_axe_finds_nothing_where_a_photo_was(lit: Page) -> None:
    coloured(lit, photo("aunt.jpg"))
    address = lit.get_by_role("link", name="View larger").get_attribute("href") or ""
    lit.get_by_role("button", name="Delete now").click()
    lit.get_by_role("dialog").get_by_role("button", name="Delete now").click()
    expect(lit.locator("#cards")).to_be_empty()
    answer = lit.goto(address)
    assert answer and answer.status == 410
    assert findings(lit) == []


def test_axe_finds_nothing_in_french(browser: Browser, site: str) -> None:
    with browser.new_context(base_url=site, locale="fr-FR") as context:
        page = context.new_page()
        page.goto("/")
        expect(page.locator("html")).to_have_attribute("lang", "fr")
        assert findings(page) == []


@pytest.mark.parametrize("path", ["/models/", "/models/cnn/", "/models/zhang-eccv16/"])
def test_axe_finds_nothing_in_what_unfolds(lit: Page, path: str) -> None:
    """The commands for the administrator and the checksums of a model."""
    lit.goto(path)
    lit.evaluate("document.querySelectorAll('main details').forEach(part => part.open = true)")
    expect(lit.locator("main pre").first).to_be_visible()
    assert findings(lit) == []


@pytest.mark.parametrize("path", ["/models/", "/models/zhang-siggraph17/"])
def test_nothing_sticks_out_in_french(browser: Browser, site: str, path: str) -> None:
    """French words are longer; what unfolds is open."""
    size: Any = {"width": 360, "height": 640}
    with browser.new_context(base_url=site, locale="fr-FR", viewport=size) as context:
        page = context.new_page()
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach(part => part.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("path", PAGES)
def test_nothing_sticks_out_of_a_small_phone(page: Page, path: str) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_every_page_leads_to_every_other(page: Page) -> None:
    """S170."""
    page.goto("/")
    menu = page.get_by_role("navigation").get_by_role("link")
    addresses = [link.get_attribute("href") for link in menu.all()]
    assert addresses == ["/", "/history/", "/models/", "/how-it-works/", "/about/"]


def test_the_skip_link_is_the_first_stop(page: Page) -> None:
    page.goto("/about/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_landing_page_is_light(page: Page) -> None:
    responses: list[Response] = []
    page.on("response", lambda response: responses.append(response))
    page.goto("/", wait_until="networkidle")
    own = [r for r in responses if "/static/examples/" not in r.url]
    assert len(own) > 5 and sum(len(r.body()) for r in own) <= LANDING


def test_nothing_comes_from_elsewhere(page: Page, site: str) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto("/", wait_until="networkidle")
    assert addresses and all(address.startswith(site) for address in addresses)


def test_the_contact_address_is_shown(page: Page) -> None:
    """S160."""
    page.goto("/about/")
    expect(page.get_by_role("link", name="contact@example.org")).to_be_visible()
