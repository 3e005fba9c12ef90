"""The real site, its worker and the bundled model, driven by Debian's Chromium.

Scope "package", not "session": Playwright's event loop must be gone before the next database test.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.servers import answers, free_port

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 60.0  # seconds until the site must answer
COLOUR = 60_000  # milliseconds until a small photo is in colour, loading the model included


@contextmanager
def serve(var: Path, settings: dict[str, str]) -> Iterator[str]:
    """The address of `manage.py up` with an empty database of its own."""
    port = free_port()
    environment = os.environ | {"COLORIA_VAR": str(var), "COLORIA_CONTACT": "contact@example.org"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    with (var / "up.log").open("wb") as log:
        command = [sys.executable, "manage.py", "up", "--port", str(port)]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment | settings, stdout=log, stderr=log
        )
    try:
        deadline = monotonic() + PATIENCE
        while not answers(port):
            if process.poll() is not None or monotonic() > deadline:
                pytest.fail(f"the site did not start:\n{(var / 'up.log').read_text()[-2000:]}")
            sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="package")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site's folder; its mails are printed into up.log there."""
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="package")
def site(var: Path) -> Iterator[str]:
    """The site as it is installed, with the bundled model."""
    with serve(var, {}) as address:
        yield address


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, site: str) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=site, locale="en-GB", accept_downloads=True)
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page on which a script error or a breach of the content security policy fails the test."""
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda m: faults.append(m.text) if "Content Security" in m.text else None)
    yield page
    assert faults == []
