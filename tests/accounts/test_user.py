"""The user model is ours from the first migration (S182)."""

import uuid

from django.contrib.auth import get_user_model
from django.test import TestCase

from accounts.models import User


class UserTests(TestCase):
    def test_it_is_the_projects_user_model(self) -> None:
        assert get_user_model() is User

    def test_an_id_tells_nobody_how_many_users_there_are(self) -> None:
        first, second = User.objects.create_user("a"), User.objects.create_user("b")
        assert isinstance(first.pk, uuid.UUID) and first.pk.version == 4
        assert first.pk != second.pk

    def test_the_admin_lists_users(self) -> None:
        self.client.force_login(User.objects.create_superuser("admin"))
        assert self.client.get("/admin/accounts/user/").status_code == 200
