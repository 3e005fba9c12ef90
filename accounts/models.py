"""Who you are."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """Django's user with an id that tells nobody how many users there are."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
