"""Job inspection (S190): what happened, never what is in the picture."""

from accounts.models import User
from colorize.models import Job
from tests.base import BaseTestCase

LIST = "/admin/colorize/job/"


class AdminTests(BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.photo = self.coloured(name="secret-aunt.png")
        self.admin = self.client
        self.admin.force_login(User.objects.create_superuser("admin"))

    def test_jobs_are_listed_and_filtered(self) -> None:
        for query in ("", "?state__exact=done", "?model=fake", "?code=", "?state__exact=failed"):
            page = self.admin.get(LIST + query)
            assert page.status_code == 200
            shown = str(self.job(self.photo).pk) in page.content.decode()
            assert shown == ("failed" not in query)

    def test_no_picture_and_no_file_name_is_shown(self) -> None:
        job = self.job(self.photo)
        page = self.admin.get(f"{LIST}{job.pk}/change/").content.decode()
        for secret in (job.result.name, job.preview.name, "secret-aunt", "<img"):
            assert str(secret) not in page

    def test_nothing_can_be_changed(self) -> None:
        address = f"{LIST}{self.job(self.photo).pk}/change/"
        assert self.admin.post(address, {"state": "queued"}).status_code == 403
        assert self.admin.post(address.replace("change", "delete")).status_code == 403
        assert self.admin.get(f"{LIST}add/").status_code == 403
        assert self.job(self.photo).state == Job.State.DONE

    def test_bob_may_not_look(self) -> None:
        self.bob.force_login(User.objects.create_user("bob"))
        assert self.bob.get(LIST).status_code == 302

    def test_workers_are_listed(self) -> None:
        assert self.admin.get("/admin/colorize/worker/").status_code == 200
