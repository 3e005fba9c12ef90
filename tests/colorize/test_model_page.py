"""A model's page tells where the model fails, in pictures."""

from unittest import mock

from tests.base import BaseTestCase

FAILURES = [
    {"picture": "examples/cat-truth-and-result.jpg", "text": "A ginger cat becomes grey."},
    {"picture": "examples/rocket-truth-and-result.jpg", "text": "Fire stays pale."},
]


class FailureTests(BaseTestCase):
    def test_every_known_failure_is_shown_with_its_picture_and_its_text(self) -> None:
        with mock.patch("colorize.catalogue.card", return_value={"failures": FAILURES}):
            page = self.alice.get("/models/fake/")
        for failure in FAILURES:
            self.assertContains(
                page,
                f'<figure class="example"><img src="/static/{failure["picture"]}" loading="lazy" '
                'alt="True colours beside the result of the model">'
                f'<figcaption lang="en">{failure["text"]}</figcaption></figure>',
                html=True,
            )

    def test_a_model_without_known_failures_has_no_such_chapter(self) -> None:
        self.assertNotContains(self.alice.get("/models/fake/"), "Known failures")
