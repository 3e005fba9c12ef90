from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin import apps as administration
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_migrate, pre_delete
from django.utils.translation import gettext_lazy as _


class AdministrationConfig(administration.AdminConfig):
    default = False
    default_site = "colorize.console.Administration"


class ColorizeConfig(AppConfig):
    default = True
    name = "colorize"
    verbose_name = _("Photos and jobs")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_q.signals import post_spawn

        from colorize import visitors

        post_migrate.connect(schedule_sweep, sender=self)
        post_spawn.connect(begin_work)
        user_logged_in.connect(visitors.adopt)
        user_logged_out.connect(visitors.adopt)
        pre_delete.connect(visitors.forget, sender=settings.AUTH_USER_MODEL)


def schedule_sweep(**kwargs: Any) -> None:
    """django-q's own purge each minute, in any cluster; `manage.py work` sweeps more often beside
    it.
    """
    from django_q.models import Schedule

    Schedule.objects.update_or_create(
        name="sweep",
        defaults={
            "func": "colorize.tasks.sweep",
            "schedule_type": Schedule.MINUTES,
            "minutes": 1,
            "repeats": -1,
        },
    )


def begin_work(**kwargs: Any) -> None:
    """In each new worker process of a cluster."""
    from colorize.tasks import begin

    begin()
