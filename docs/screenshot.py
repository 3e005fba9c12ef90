"""Takes docs/screenshot.png from a running site: python docs/screenshot.py [http://127.0.0.1:8000]

Chooses scikit-image's `camera` (CC0), waits for its colour; the line stands in the middle.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from skimage.data import camera

TARGET = Path(__file__).with_name("screenshot.png")
LEFT = 0, 50, 512, 390  # crop of the photo: a landscape format fills the page better


def take(address: str, photo: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(
            viewport={"width": 1280, "height": 900}, color_scheme="light", reduced_motion="reduce"
        )
        page.goto(address)
        page.set_input_files("#photos", photo)
        page.get_by_role("button", name="Send").click()
        page.get_by_role("slider").first.wait_for(timeout=60_000)
        page.get_by_role("heading", level=1).click()  # no focus ring in the picture
        page.screenshot(path=TARGET)
        browser.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photographer.png"
        Image.fromarray(camera()).crop(LEFT).resize((1024, 680)).save(photo)
        take(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000", photo)
