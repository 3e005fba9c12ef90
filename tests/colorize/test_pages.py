"""The pages, and the files they show."""

import io
from pathlib import Path

from django.conf import settings
from django.test import Client
from PIL import Image

from colorize.models import Job
from tests.base import BaseTestCase, media, picture, upload

PAGES = ("/", "/history/", "/models/", "/models/fake/", "/how-it-works/", "/about/")


def opened(answer: object) -> Image.Image:
    return Image.open(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]


class PageTests(BaseTestCase):
    def test_every_page_opens_without_an_account(self) -> None:
        """S161: how it works is one of them."""
        for page in PAGES:
            with self.subTest(page):
                assert self.alice.get(page).status_code == 200

    def test_an_error_is_told_by_a_sign_beside_its_colour(self) -> None:
        """S171: red, but not by colour alone."""
        pages = [path.read_text() for path in Path(settings.BASE_DIR, "templates").rglob("*.html")]
        errors = [rest for page in pages for rest in page.split('class="problem"')[1:]]
        assert len(errors) > 5
        assert all('{% include "_warning.svg" %}' in rest[:150] for rest in errors)

    def test_looking_around_sets_no_session(self) -> None:
        for page in PAGES:
            self.alice.get(page)
        assert settings.SESSION_COOKIE_NAME not in self.alice.cookies

    def test_a_photo_in_work_reloads_its_page_without_javascript(self) -> None:
        photo = self.send()
        assert 'http-equiv="refresh"' in self.alice.get(f"/photos/{photo.pk}/").content.decode()
        self.run_worker()
        page = self.alice.get(f"/photos/{photo.pk}/").content.decode()
        assert 'http-equiv="refresh"' not in page
        assert f"/download/{self.job(photo).pk}" in page

    def test_a_failed_photo_says_why(self) -> None:
        photo = self.send(seed=101)
        self.run_worker()
        page = self.alice.get(f"/photos/{photo.pk}/").content.decode()
        assert "We ran out of time on this photo. Try a smaller render factor" in page

    def test_a_photo_is_cancelled_by_a_button(self) -> None:
        photo = self.send()
        answer = self.alice.post(f"/jobs/{self.job(photo).pk}/cancel")
        self.assertRedirects(answer, f"/photos/{photo.pk}/")
        assert self.job(photo).state == Job.State.CANCELLED

    def test_delete_now_leaves_no_file(self) -> None:
        photo = self.coloured()
        page = self.alice.post(f"/photos/{photo.pk}/delete", follow=True).content.decode()
        assert "Your photo and its colour versions are deleted." in page
        assert media() == [] and self.statuses(photo) == {410}

    def test_a_deleted_photo_says_that_its_owner_wanted_it(self) -> None:
        photo = self.coloured()
        self.alice.post(f"/photos/{photo.pk}/delete")
        answer = self.alice.get(f"/api/v1/jobs/{self.job(photo).pk}/download")
        assert answer.json()["detail"].endswith(", as you asked.")

    def test_deleting_twice_is_no_error(self) -> None:
        photo = self.coloured()
        for _ in range(2):
            assert self.alice.post(f"/photos/{photo.pk}/delete").status_code == 302

    def test_an_unknown_model_page_is_404(self) -> None:
        assert self.alice.get("/models/nobody/").status_code == 404

    def test_post_arrives(self) -> None:
        """S141."""
        for address in ("/test", "/api/v1/test"):
            assert self.alice.post(address).json() == {"detail": "POST received"}

    def test_a_form_without_its_token_is_refused(self) -> None:
        answer = Client(enforce_csrf_checks=True).post("/upload", {"photos": [upload()]})
        assert answer.status_code == 403

    def test_pages_come_in_french(self) -> None:
        page = self.alice.get("/", headers={"accept-language": "fr"}).content.decode()
        assert '<html lang="fr"' in page


class FileTests(BaseTestCase):
    def test_a_download_has_the_photos_size_format_and_name(self) -> None:
        photo = self.coloured(name="grand ma.png")
        answer = self.alice.get(f"/download/{self.job(photo).pk}")
        assert answer["Content-Disposition"] == 'attachment; filename="grand ma_fake.png"'
        with opened(answer) as result:
            assert (result.size, result.format, result.mode) == ((24, 16), "PNG", "RGB")

    def test_every_file_is_private_and_guessed_to_be_nothing_else(self) -> None:
        photo = self.coloured()
        for url in self.urls(photo):
            with self.subTest(url):
                answer = self.alice.get(url)
                assert answer["Cache-Control"] == "private, no-store"
                assert answer["X-Content-Type-Options"] == "nosniff"

    def test_nothing_is_served_as_it_was_sent(self) -> None:
        """Re-encoded: what hides behind the pixels of an upload never comes out again."""
        content = picture(form="JPEG") + b"<script>hidden()</script>"
        photo = self.coloured(image=upload("a.jpg", content))
        for url in self.urls(photo):
            with self.subTest(url):
                assert b"hidden" not in b"".join(self.alice.get(url).streaming_content)

    def test_previews_are_small_enough_for_a_browser(self) -> None:
        photo = self.coloured(image=upload("wide.png", picture((3000, 300))))
        for url in self.urls(photo)[:2]:
            with opened(self.alice.get(url)) as preview:
                assert (max(preview.size), preview.format) == (2048, "JPEG")

    def test_a_preview_with_transparency_is_a_png(self) -> None:
        photo = self.coloured(image=upload("a.png", picture(mode="LA")))
        answer = self.alice.get(f"/jobs/{self.job(photo).pk}/preview")
        assert answer["Content-Type"] == "image/png"
        with opened(answer) as preview:
            assert preview.format == "PNG"

    def test_a_waiting_photo_is_not_drawn_by_the_web_process(self) -> None:
        photo = self.send()
        answer = self.alice.get(f"/photos/{photo.pk}/original")
        assert answer.status_code == 409
        assert not Path(photo.preview.path).exists()

    def test_pages_show_no_picture_before_the_worker_has_drawn_it(self) -> None:
        photo = self.send()
        pages = (f"/photos/{photo.pk}/", "/history/")
        address = f'src="/photos/{photo.pk}/original"'
        for page in pages:
            self.assertNotContains(self.alice.get(page), address)
        Path(photo.preview.path).write_bytes(picture(form="JPEG"))
        for page in pages:
            self.assertContains(self.alice.get(page), address)

    def test_a_photo_whose_files_go_while_it_is_asked_for_is_409(self) -> None:
        photo = self.coloured()
        Path(photo.preview.path).unlink()
        assert self.alice.get(f"/photos/{photo.pk}/original").status_code == 409

    def test_a_file_that_is_not_ready_is_409(self) -> None:
        photo = self.send()
        answer = self.alice.get(f"/api/v1/jobs/{self.job(photo).pk}/download")
        assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")

    def test_a_file_that_never_comes_says_why(self) -> None:
        failed, cancelled = self.send(seed=101), self.send()
        Job.objects.cancel(self.job(cancelled).pk)
        self.run_worker()
        for photo, code in ((failed, "timed_out"), (cancelled, "cancelled")):
            for address in self.urls(photo)[1:]:
                answer = self.alice.get(address, headers={"accept": "application/json"})
                assert (answer.status_code, answer.json()["code"]) == (409, code), address

    def test_media_has_no_public_address(self) -> None:
        photo = self.coloured()
        for prefix in ("/media/", "/uploads/", "/static/"):
            assert self.alice.get(prefix + (photo.file.name or "")).status_code == 404
