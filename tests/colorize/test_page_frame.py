"""What every page brings along: its switch of language, and how it looks again without scripts."""

import re

from tests.base import BaseTestCase


def switch(page: str) -> str:
    """Where the language's form leads back to."""
    found = re.search(r'name="next" value="([^"]*)"', page)
    assert found
    return found[1].replace("&amp;", "&")


class LanguageTests(BaseTestCase):
    def test_another_language_keeps_the_query(self) -> None:
        address = "/history/?model=fake&page=1"
        back = switch(self.alice.get(address).content.decode())
        answer = self.alice.post("/i18n/setlang/", {"next": back, "language": "fr"})
        assert back == answer.url == address  # type: ignore[attr-defined]

    def test_an_answer_to_a_form_leads_to_a_page_that_opens(self) -> None:
        """Its own address may answer to POST alone."""
        photo = self.send()
        page = self.alice.post(f"/photos/{photo.pk}/jobs", {"model": "fake", "seed": "x"})
        assert page.status_code == 400
        assert self.alice.get(f"/photos/{photo.pk}/jobs").status_code == 405
        assert self.alice.get(switch(page.content.decode())).status_code == 200


class LookAgainTests(BaseTestCase):
    """A page that reloads itself empties a form that somebody is filling in."""

    def test_a_page_that_reloads_itself_offers_no_form_to_fill_in(self) -> None:
        page = self.alice.get(f"/photos/{self.send().pk}/").content.decode()
        assert 'http-equiv="refresh"' in page and 'href="?still=1"' in page
        assert page.count('<section class="split resting"') == page.count("<section") > 0

    def test_it_stays_still_when_asked_to(self) -> None:
        address = f"/photos/{self.send().pk}/"
        page = self.alice.get(f"{address}?still=1").content.decode()
        assert 'http-equiv="refresh"' not in page and "resting" not in page
        assert f'<a href="{address}">Look again</a>' in page

    def test_a_page_whose_photo_is_ready_has_nothing_to_look_for(self) -> None:
        page = self.alice.get(f"/photos/{self.coloured().pk}/").content.decode()
        assert "resting" not in page and "Look again" not in page

    def test_the_history_is_looked_at_again_by_a_link(self) -> None:
        self.send(), self.send()
        page = self.alice.get("/history/?model=fake").content.decode()
        assert 'http-equiv="refresh"' not in page
        assert page.count('<a href="/history/?model=fake">Look again</a>') == 1
        self.run_worker()
        assert "Look again" not in self.alice.get("/history/").content.decode()
