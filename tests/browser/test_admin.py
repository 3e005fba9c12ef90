"""The administrator's pages in a browser: axe-core, small screens, dark mode, pause and go on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOT, serve
from tests.browser.photos import photo
from tests.browser.test_access import findings
from tests.browser.test_main_job import coloured

pytestmark = pytest.mark.browser

EMAIL, PASSWORD = "admin@example.org", "grey-is-not-a-colour"
# Good practice, not WCAG, that Django's own lists do not follow.
DJANGO = ("heading-order", "label-title-only")
PAGES = ["/admin/", "/admin/colorize/job/?model=coloria", "/admin/colorize/photo/"]


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site of its own with an administrator."""
    var = tmp_path_factory.mktemp("staffed")
    with serve(var, {}) as address:
        environment = os.environ | {
            "COLORIA_VAR": str(var),
            "DJANGO_SUPERUSER_EMAIL": EMAIL,
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        }
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        create = [sys.executable, "manage.py", "createsuperuser", "--noinput"]
        subprocess.run(create, cwd=ROOT, env=environment, check=True, capture_output=True)
        yield address


def signed_in(browser: Browser, site: str, **wishes: Any) -> Page:
    context = browser.new_context(base_url=site, locale="en-GB", **wishes)
    page = context.new_page()
    page.goto("/accounts/login/?next=/admin/")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password", exact=True).press("Enter")
    expect(page).to_have_url(f"{site}/admin/")
    return page


@pytest.fixture(scope="module", params=["light", "dark"])
def admin(request: pytest.FixtureRequest, browser: Browser, staffed: str) -> Iterator[Page]:
    page = signed_in(browser, staffed, color_scheme=request.param)
    coloured(page, photo("aunt.jpg"))
    yield page
    page.context.close()


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_for_the_administrator(admin: Page, path: str) -> None:
    admin.goto(path)
    keep_picture(admin, path)
    admin.evaluate("document.querySelectorAll('main details').forEach(part => part.open = true)")
    theirs = () if path == "/admin/" else DJANGO
    assert [(rule, where) for rule, where in findings(admin) if rule not in theirs] == []


def test_the_first_page_keeps_the_policy_and_fits_a_small_phone(
    browser: Browser, staffed: str
) -> None:
    size: Any = {"width": 360, "height": 640}
    page = signed_in(browser, staffed, viewport=size)
    faults: list[str] = []
    page.on("console", lambda m: faults.append(m.text) if "Content Security" in m.text else None)
    page.goto("/admin/")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert faults == []
    keep_picture(page, "phone")
    page.context.close()


def test_a_model_is_paused_and_goes_on(browser: Browser, staffed: str) -> None:
    page = signed_in(browser, staffed)
    page.get_by_role("button", name="Pause Coloria").click()
    expect(page.get_by_text("Paused: coloria")).to_be_visible()
    page.get_by_role("button", name="Let Coloria go on").click()
    expect(page.get_by_text("Goes on: coloria")).to_be_visible()
    page.context.close()


def keep_picture(page: Page, name: str) -> None:
    """For looking at, where PICTURES names a folder."""
    if folder := os.environ.get("PICTURES"):
        scheme = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : ''")
        file = f"admin-{name.strip('/').replace('/', '-').partition('?')[0]}-{scheme}.png"
        page.screenshot(path=str(Path(folder) / file), full_page=True)
