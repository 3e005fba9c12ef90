"""The pictures of the main page."""

from django.contrib.staticfiles import finders
from PIL import Image

from colorize.examples import EXAMPLES
from tests.base import BaseTestCase


class ExampleTests(BaseTestCase):
    def test_the_page_shows_every_example_before_and_after(self) -> None:
        page = self.alice.get("/")
        for example in EXAMPLES:
            for picture in (example.before, example.after):
                self.assertContains(page, f'src="/static/{picture}" width="{example.width}"')

    def test_every_example_has_the_size_that_the_page_reserves_for_it(self) -> None:
        for example in EXAMPLES:
            for picture in (example.before, example.after):
                with Image.open(finders.find(picture) or "") as image:
                    assert image.size == (example.width, example.height)
