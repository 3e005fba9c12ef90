"""The history in a browser: its list, and small pictures that stay on the device (S183)."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.photos import photo
from tests.browser.test_access import findings
from tests.browser.test_main_job import coloured

pytestmark = pytest.mark.browser

HELD = """() => new Promise((resolve, reject) => {
  const request = indexedDB.open("coloria", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("thumbnails", { keyPath: "id" });
  request.onerror = () => reject(request.error);
  request.onsuccess = () => {
    const all = request.result.transaction("thumbnails").objectStore("thumbnails").getAll();
    all.onsuccess = async () => {
      const sizes = all.result.map(async ({ id, blob }) => {
        const { width, height } = await createImageBitmap(blob);
        return { id, width, height, bytes: blob.size };
      });
      request.result.close();
      resolve(await Promise.all(sizes));
    };
  };
})"""


def held(page: Page) -> list[dict[str, Any]]:
    """The small pictures that this browser holds."""
    found: list[dict[str, Any]] = page.evaluate(HELD)
    return found


def until_held(page: Page, count: int) -> list[dict[str, Any]]:
    for _ in range(150):
        if len(found := held(page)) == count:
            return found
        page.wait_for_timeout(100)
    pytest.fail(f"{len(held(page))} small pictures, not {count}")


def gone(page: Page, name: str = "aunt.jpg") -> None:
    """A photo was coloured, its files are deleted by another device, and the list is open."""
    coloured(page, photo(name))
    (small,) = until_held(page, 1)
    token = page.locator("[name=csrfmiddlewaretoken]").first.input_value()
    headers = {"X-CSRFToken": token, "Referer": page.url}
    answer = page.request.delete(f"/api/v1/photos/{small['id']}", headers=headers)
    assert answer.status == 204
    page.goto("/history/")


def test_a_small_picture_is_made_when_the_colour_comes(page: Page) -> None:
    coloured(page, photo("aunt.jpg", 401, 267))
    (small,) = until_held(page, 1)
    assert (small["width"], small["height"]) == (160, 107)
    assert small["bytes"] < 20_000


def test_it_stands_in_the_list_when_the_photo_is_gone(page: Page) -> None:
    gone(page)
    expect(page.get_by_text("Picture deleted at")).to_be_visible()
    picture = page.locator(".row .mat img")
    expect(picture).to_be_visible()
    assert str(picture.get_attribute("src")).startswith("blob:")


def test_it_never_leaves_the_device(page: Page) -> None:
    """Nothing is sent but the photo itself; all else only asks."""
    sent: list[str] = []
    page.on("request", lambda r: None if r.method == "GET" else sent.append(r.url))
    gone(page)
    expect(page.locator(".row .mat img")).to_be_visible()
    assert [url.partition("/api")[2] for url in sent] == ["/v1/photos"]


def test_the_switch_erases_them_and_keeps_them_away(page: Page) -> None:
    gone(page)
    expect(page.locator(".row .mat img")).to_be_visible()
    page.get_by_label("Show small pictures that stay on this device").uncheck()
    expect(page.locator(".row .tile-mark")).to_be_visible()
    assert held(page) == []
    coloured(page, photo("uncle.jpg"))
    page.wait_for_timeout(500)
    assert held(page) == []
    page.goto("/history/")
    expect(page.get_by_label("Show small pictures")).not_to_be_checked()


def test_another_device_shows_a_neutral_tile(page: Page, browser: Browser, site: str) -> None:
    gone(page)
    with browser.new_context(base_url=site, storage_state=page.context.storage_state()) as other:
        second = other.new_page()
        second.goto("/history/")
        expect(second.get_by_text("Picture deleted at")).to_be_visible()
        expect(second.locator(".row .tile-mark")).to_be_visible()


def test_it_goes_with_its_row(page: Page) -> None:
    gone(page)
    page.get_by_role("button", name="Delete row").click()
    dialog = page.get_by_role("dialog", name="Delete this row?")
    expect(dialog).to_contain_text("aunt.jpg")
    assert findings(page) == []
    dialog.get_by_role("button", name="Delete row").click()
    expect(page.get_by_text("The row is deleted from your history.")).to_be_visible()
    assert held(page) == []


def test_it_goes_with_delete_now(page: Page) -> None:
    coloured(page, photo("aunt.jpg"))
    until_held(page, 1)
    page.get_by_role("button", name="Delete now").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete now").click()
    expect(page.locator("#cards")).to_be_empty()
    until_held(page, 0)


def test_it_goes_with_the_whole_history_after_a_question(page: Page) -> None:
    gone(page)
    page.get_by_role("link", name="Delete the whole history").click()
    assert findings(page) == []
    page.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    assert held(page) == []


def test_it_goes_when_the_visitor_is_another_one(page: Page) -> None:
    """As after signing out, or when a session has ended."""
    coloured(page, photo("aunt.jpg"))
    until_held(page, 1)
    page.goto("/history/")  # now it is known whose they are
    expect(page.locator(".row")).to_be_visible()
    page.context.clear_cookies()
    page.goto("/about/")
    until_held(page, 0)


def test_run_again_fills_in_everything_but_the_file(page: Page) -> None:
    page.goto("/")
    page.set_input_files("#photos", [photo("aunt.jpg")])
    page.locator("[name=strength]").select_option("1.4")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("slider").first).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Delete now").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete now").click()
    expect(page.locator("#cards")).to_be_empty()
    page.goto("/history/")
    page.get_by_role("link", name="Run again").click()
    expect(page.get_by_text("Choose the photo once more")).to_be_visible()
    assert findings(page) == []
    page.set_input_files("#photos", [photo("aunt.jpg")])
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("slider").first).to_be_visible(timeout=60_000)
    page.goto("/history/")
    expect(page.locator(".done .facts", has_text="vivid")).to_have_count(2)


def test_a_title_is_given_in_the_list(page: Page) -> None:
    coloured(page, photo("scan_0017.jpg"))
    page.goto("/history/")
    page.locator(".rename summary").click()
    page.get_by_label("Title").fill("Aunt Rose, 1931")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("heading", name="Aunt Rose, 1931")).to_be_visible()
    expect(page.get_by_text("scan_0017.jpg")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_in_a_long_list(
    browser: Browser, site: str, scheme: Any, width: int
) -> None:
    """With what is live, gone and unfolded; nothing sticks out."""
    size: Any = {"width": width, "height": 800}
    with browser.new_context(
        base_url=site, color_scheme=scheme, viewport=size, reduced_motion="reduce", locale="en-GB"
    ) as context:
        page = context.new_page()
        gone(page)
        coloured(page, photo("a_very_long_file_name_of_a_scan_that_somebody_made_in_1999.jpg"))
        page.goto("/history/")
        page.evaluate("document.querySelectorAll('main details').forEach(part => part.open = true)")
        expect(page.locator(".row")).to_have_count(2)
        assert findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.goto("/history/?state=failed")
        expect(page.get_by_text("No photo answers to this filter.")).to_be_visible()
        assert findings(page) == []
