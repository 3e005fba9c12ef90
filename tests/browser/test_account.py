"""An account as its owner meets it: by keyboard or thumb, in the light and in the dark (S183)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.photos import photo
from tests.browser.test_access import findings
from tests.browser.test_main_job import coloured

pytestmark = pytest.mark.browser

PASSWORD = "grey-is-not-a-colour"
OPEN = ["login/", "signup/", "password/reset/", "password/reset/done/", "confirm-email/x/"]
OWN = ["", "email/", "password/change/", "reauthenticate/", "logout/", "delete/", "tokens/"]
PHONE: Any = {"width": 360, "height": 640}


@pytest.fixture(params=["light", "dark"])
def lit(request: pytest.FixtureRequest, browser: Browser, site: str) -> Iterator[Page]:
    context = browser.new_context(
        base_url=site, color_scheme=request.param, locale="en-GB", viewport=PHONE
    )
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def sign_up(page: Page, var: Path) -> str:
    """As a person does it, with the mail that a laptop prints. Returns the address."""
    email = f"{uuid4().hex[:8]}@example.org"
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    mail = (var / "up.log").read_text().rpartition(f"To: {email}")[2]
    link = re.search(r"http\S+/confirm-email/\S+", mail)
    assert link, mail
    page.goto(link[0])
    expect(page.get_by_text(email)).to_be_visible()
    page.get_by_role("button", name="Yes, confirm").click()
    return email


def test_a_guest_signs_up_and_finds_the_photo_in_the_account(page: Page, var: Path) -> None:
    coloured(page, photo("aunt.jpg"))
    page.goto("/history/")
    email = sign_up(page, var)
    expect(page.get_by_role("heading", name="aunt.jpg")).to_be_visible()
    page.get_by_role("link", name="Account").click()
    expect(page.get_by_text(email).first).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.goto("/history/")
    expect(page.get_by_role("heading", name="aunt.jpg")).to_have_count(0)
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="aunt.jpg")).to_be_visible()


def test_an_account_is_deleted_and_the_page_says_so(page: Page, var: Path) -> None:
    page.goto("/")
    sign_up(page, var)
    page.goto("/accounts/")
    page.get_by_role("link", name="Delete the account").click()
    page.get_by_label("Password").fill("guess")
    page.get_by_role("button", name="Delete the account").click()
    expect(page.get_by_text("Incorrect password")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Delete the account").click()
    expect(page.get_by_role("heading", name="Your account is deleted")).to_be_visible()
    assert findings(page) == []


def test_axe_finds_nothing_where_strangers_are(lit: Page) -> None:
    for path in OPEN:
        lit.goto(f"/accounts/{path}")
        assert findings(lit) == [], path
        assert lit.evaluate("document.documentElement.scrollWidth") == PHONE["width"], path


def test_axe_finds_nothing_in_an_account(lit: Page, var: Path) -> None:
    lit.goto("/")
    sign_up(lit, var)
    for path in OWN:
        lit.goto(f"/accounts/{path}")
        assert findings(lit) == [], path
        assert lit.evaluate("document.documentElement.scrollWidth") == PHONE["width"], path


def test_a_long_address_of_a_webhook_stays_on_the_page(lit: Page, var: Path) -> None:
    lit.goto("/")
    sign_up(lit, var)
    lit.goto("/accounts/webhooks/")
    lit.get_by_label("Address").fill(f"https://hooks.example.com/{'x' * 120}")
    lit.get_by_role("button", name="Add the webhook").click()
    expect(lit.get_by_text("Copy it now")).to_be_visible()
    for address in (None, "/accounts/webhooks/"):
        if address:
            lit.goto(address)
        assert findings(lit) == []
        assert lit.evaluate("document.documentElement.scrollWidth") == PHONE["width"], address


def test_a_refused_field_is_named_and_described(lit: Page) -> None:
    lit.goto("/accounts/signup/")
    lit.get_by_label("E-mail address").fill("a@example.org")
    lit.get_by_label("Password").fill("12345678")
    lit.get_by_role("button", name="Create account").click()
    field = lit.get_by_label("Password")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("too common"))
    assert findings(lit) == []


def test_a_refused_webhook_is_described_at_each_field(lit: Page, var: Path) -> None:
    lit.goto("/")
    sign_up(lit, var)
    lit.goto("/accounts/webhooks/")
    lit.get_by_label("Address").fill("https://10.0.0.1/")
    lit.get_by_label("a photo is ready").uncheck()
    lit.get_by_role("button", name="Add the webhook").click()
    expect(lit.get_by_label("Address")).to_have_accessible_description(re.compile("https address"))
    group = lit.get_by_role("group", name="Tell when")
    expect(group).to_have_accessible_description("This field is required.")
    assert findings(lit) == []


def test_the_messages_of_a_webhook_are_a_named_region(lit: Page, var: Path) -> None:
    lit.goto("/")
    sign_up(lit, var)
    lit.goto("/accounts/webhooks/")
    lit.get_by_label("Address").fill("https://hooks.example.com/")
    lit.get_by_role("button", name="Add the webhook").click()
    lit.get_by_role("button", name="Send a test").click()
    expect(lit.get_by_role("region", name="Messages")).to_be_visible()
    assert findings(lit) == []


def test_the_header_stays_one_line_beside_its_menu(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/models/")
    brand, link = page.locator(".brand").bounding_box(), page.locator(".who").bounding_box()
    assert brand and link and abs(brand["y"] - link["y"]) < brand["height"]
    page.set_viewport_size(PHONE)
    brand, link = page.locator(".brand").bounding_box(), page.locator(".who").bounding_box()
    assert brand and link and abs(brand["y"] - link["y"]) < brand["height"]


def test_nothing_sticks_out_in_french(browser: Browser, site: str) -> None:
    with browser.new_context(base_url=site, locale="fr-FR", viewport=PHONE) as context:
        page = context.new_page()
        for path in OPEN:
            page.goto(f"/accounts/{path}")
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], path
