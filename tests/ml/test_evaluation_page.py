"""The HTML report: complete, safe, self-contained, and read in a browser (S121)."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from skimage import data

from ml.evaluate import Contender, evaluate, photos
from ml.evaluate.gallery import Gallery, chosen
from ml.evaluate.plots import course, differences, distribution
from ml.images import Photograph
from ml.management.evaluation_page import page
from ml.spec import Settings

AXE = Path(__file__).parents[1] / "vendor/axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NASTY = '<img src=x onerror="alert(1)">&.png'


class Tinting:
    """Paints everything in one tint: red leads astray, brown helps on most photos."""

    def __init__(self, red: float, blue: float) -> None:
        self.tint = np.array([red, 0, blue])

    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        tinted = photo.pixels[..., None] + self.tint
        return replace(photo, pixels=tinted.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """Two models over four photos, one of them with a hostile name, one damaged."""
    folder = tmp_path_factory.mktemp("photos")
    for name in ("astronaut", "coffee", "chelsea"):
        Image.fromarray(getattr(data, name)()).resize((120, 90)).save(folder / f"{name}.png")
    Image.fromarray(data.rocket()).resize((120, 90)).save(folder / NASTY)
    (folder / "broken.jpg").write_bytes(b"no photo")
    rows = {
        "brown": Contender(lambda: Tinting(18, -14), "coloria", "b" * 64, step=100),
        "violet <b>": Contender(lambda: Tinting(90, 90), "coloria", "v" * 64, step=200),
    }
    gallery = Gallery(tmp_path_factory.mktemp("gallery"))
    found = evaluate(rows, photos(folder), Settings(), keep=gallery.keep)
    return found, page(found, gallery)


@pytest.fixture
def opened(report: tuple[dict[str, Any], str], tmp_path: Path) -> Iterator[Page]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt install chromium")
    file = tmp_path / "report.html"
    file.write_text(report[1])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        # axe is a script; the page itself allows none
        opened = browser.new_context(bypass_csp=True).new_page()
        opened.goto(file.as_uri())
        yield opened
        browser.close()


def test_grey_is_the_first_row_and_a_model_that_loses_to_it_is_flagged(
    report: tuple[dict[str, Any], str],
) -> None:
    found, html = report
    assert re.findall(r'<th scope="row">([^<]+)', html) == [
        "left grey", "brown", "violet &lt;b&gt;", "truth",
    ]  # fmt: skip
    assert found["models"]["violet <b>"]["verdict"] == "does not beat grey"
    assert html.count("does not beat leaving the photos grey") == 2
    assert '<p class="problem">violet &lt;b&gt; does not beat leaving the photos grey' in html
    assert f"on {found['models']['brown']['better_than_grey']} of 4 photos" in html


def test_names_are_escaped(report: tuple[dict[str, Any], str]) -> None:
    html = report[1]
    assert "<img src=x" not in html
    assert "<b>" not in html.replace("<b>Worst", "").replace("<b>Median", "").replace("<b>Best", "")
    assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;.png" in html


def test_it_needs_nothing_but_itself(report: tuple[dict[str, Any], str]) -> None:
    html = report[1]
    sources = re.findall(r'\b(?:src|href)="([^"]*)"', html)
    assert sources and all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "http:" not in html and "https:" not in html and "<script" not in html


def test_every_picture_has_a_text(report: tuple[dict[str, Any], str]) -> None:
    html = report[1]
    pictures = re.findall(r"<img [^>]*>", html)
    assert len(pictures) == 2 * 3 * 3  # models, sorts, and grey, result, truth
    assert all(re.search(r'alt="[^"]+"', picture) for picture in pictures)
    assert html.count("<svg ") == html.count('role="img" aria-label="') == 5


def test_the_gallery_goes_from_worst_to_best() -> None:
    """S121."""
    rows = [{"photo": f"{n:02}", "models": {"m": {"minus_grey": float(n)}}} for n in range(12)] + [
        {"photo": "failed", "models": {}}
    ]
    picked = [(sort, photo["photo"]) for sort, photo in chosen(rows, "m")]
    assert picked == [
        ("worst", "11"), ("worst", "10"), ("worst", "09"),
        ("median", "07"), ("median", "06"), ("median", "05"),
        ("best", "02"), ("best", "01"), ("best", "00"),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_small_set_shows_no_photo_twice(count: int) -> None:
    rows = [{"photo": str(n), "models": {"m": {"minus_grey": float(n)}}} for n in range(count)]
    shown = [photo["photo"] for _, photo in chosen(rows, "m")]
    assert sorted(shown) == [str(n) for n in range(count)]


def test_the_differences_hang_from_zero(report: tuple[dict[str, Any], str]) -> None:
    svg = differences(report[0], "violet <b>")
    signs = [photo["models"]["violet <b>"]["minus_grey"] > 0 for photo in report[0]["photos"]]
    assert svg.count('class="worse bar"') == sum(signs)
    assert svg.count('class="model bar"') == len(signs) - sum(signs)
    zero = float(re.findall(r'class="zero"[^>]* y1="([\d.]+)"', svg)[0])
    for top in re.findall(r'class="worse bar"[^>]* y="([\d.]+)"', svg):
        assert float(top) < zero


def test_a_dot_lies_where_its_value_says(report: tuple[dict[str, Any], str]) -> None:
    dots = re.findall(r'cx="([\d.]+)"[^>]*><title>[^<]*: ([\d.]+)</title>', distribution(report[0]))
    assert len(dots) == 4 * 3
    places, values = np.array(dots, float).T
    assert np.corrcoef(places, values)[0, 1] > 0.9999


def test_checkpoints_become_a_curve_over_their_steps(report: tuple[dict[str, Any], str]) -> None:
    """S118, S120: figure 6 of the report."""
    svg = course(report[0])
    assert re.findall(r"<title>step (\d+): ([\d.]+) ", svg) == [
        (str(row["step"]), f"{row['de00']['mean']:.2f}") for row in report[0]["models"].values()
    ]
    one = {**report[0], "models": {"brown": report[0]["models"]["brown"]}}
    assert course(one) == ""


@pytest.mark.browser
def test_axe_finds_nothing_in_light_and_dark(opened: Page) -> None:
    """S170: WCAG 2.2 A and AA, and good practice."""
    for scheme in ("light", "dark"):
        opened.emulate_media(color_scheme=scheme)
        opened.evaluate(AXE.read_text())
        violations = opened.evaluate("axe.run(document).then(found => found.violations)")
        assert [(found["id"], found["nodes"][0]["html"][:200]) for found in violations] == []


@pytest.mark.browser
def test_a_phone_shows_it_without_scrolling_sideways(opened: Page) -> None:
    opened.set_viewport_size({"width": 320, "height": 640})
    assert opened.evaluate("document.documentElement.scrollWidth") == 320
    assert opened.evaluate(
        "[...document.images].every(image => image.complete && image.naturalWidth > 0)"
    )
