"""Who does the work."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Worker(models.Model):
    """A sign of life: written by whatever a worker does, read by the watchdog and /readyz."""

    name = models.CharField(_("name"), max_length=80, primary_key=True)
    beat = models.DateTimeField(_("last sign of life"))
    host = models.DateTimeField(_("last sign of life of its model host"), null=True, blank=True)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.name
