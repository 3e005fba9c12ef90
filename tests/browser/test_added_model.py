"""A checkpoint that somebody has, taken in by command, colours a photo on the site (S016, S017)."""

import os
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.conftest import COLOUR, ROOT, serve
from tests.browser.photos import photo
from tests.ml.synthetic import state_dict

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site_with_zhang(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    var = tmp_path_factory.mktemp("added")
    checkpoint = var / "downloaded.pth"
    torch.save(state_dict("zhang_eccv16", 1), checkpoint)
    environment = os.environ | {"COLORIA_VAR": str(var)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    command = [sys.executable, "manage.py", "weights", "add", "zhang-eccv16", str(checkpoint)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    with serve(var, {}) as address:
        yield address


def test_an_added_checkpoint_colours_a_photo_through_the_browser(
    browser: Browser, site_with_zhang: str, tmp_path: Path
) -> None:
    page = browser.new_page(base_url=site_with_zhang, locale="en-GB")
    page.goto("/")
    page.set_input_files("#photos", [photo("aunt.jpg")])
    page.get_by_label("Model").select_option("zhang-eccv16")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("slider").first).to_be_visible(timeout=3 * COLOUR)
    with page.expect_download() as started:
        page.get_by_role("link", name="Download").first.click()
    result = np.asarray(Image.open(BytesIO(Path(started.value.path()).read_bytes())).convert("RGB"))
    assert np.ptp(result.astype(int), axis=-1).max() > 20, "there is colour in it"
    page.goto("/models/zhang-eccv16/")
    expect(page.get_by_text("Installed", exact=True).first).to_be_visible()
    page.close()
