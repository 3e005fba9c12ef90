"""The user model is ours from the first migration (S182)."""

import uuid

from django.contrib.auth import get_user_model
from django.test import Client, TestCase

from accounts.models import User


class UserTests(TestCase):
    def test_it_is_the_projects_user_model(self) -> None:
        assert get_user_model() is User

    def test_an_id_tells_nobody_how_many_users_there_are(self) -> None:
        first, second = User.objects.create_user("a"), User.objects.create_user("b")
        assert isinstance(first.pk, uuid.UUID) and first.pk.version == 4
        assert first.pk != second.pk

    def test_whom_the_shell_made_an_administrator_need_not_confirm_an_address(self) -> None:
        User.objects.create_superuser("Admin@example.org", "grey-is-not-a-colour")
        fields = {"login": "admin@example.org", "password": "grey-is-not-a-colour"}
        answer = self.client.post("/accounts/login/?next=/admin/", fields)
        self.assertRedirects(answer, "/admin/")

    def test_the_admin_makes_users_by_address(self) -> None:
        self.client.force_login(User.objects.create_superuser("admin@example.org"))
        word = "grey-is-not-a-colour"
        fields = {"email": "Bob@example.org", "usable_password": "true"}
        self.client.post(
            "/admin/accounts/user/add/", fields | {"password1": word, "password2": word}
        )
        user = User.objects.get(email="bob@example.org")
        assert user.check_password(word) and not user.is_staff
        page = f"/admin/accounts/user/{user.pk}/change/"
        assert self.client.get(page).status_code == 200
        self.client.post(page, {"email": "Rob@example.org", "is_active": "on"})
        fields = {"login": "rob@example.org", "password": word}
        self.assertRedirects(Client().post("/accounts/login/?next=/about/", fields), "/about/")

    def test_the_admin_lists_users(self) -> None:
        self.client.force_login(User.objects.create_superuser("admin"))
        assert self.client.get("/admin/accounts/user/").status_code == 200
