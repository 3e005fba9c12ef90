"""`manage.py sweep`: purge, reap and ring again by hand or from cron."""

from typing import Any

from django.core.management.base import BaseCommand

from colorize.sweep import sweep


class Command(BaseCommand):
    help = (
        "Purge what is past its deadline, reap lost jobs, ring for waiting ones; say what was done."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(str(sweep()))
