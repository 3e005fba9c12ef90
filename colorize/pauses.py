"""What an administrator holds back: one model, or all of them while the server is worked on. Rows,
because a restart must not forget them.
"""

from typing import Any

from django.conf import settings
from django.db import DatabaseError, models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from ml import registry

BELLS = 500  # jobs that hear at once of the end of a pause; the sweep rings for the others


class Pause(models.Model):
    """Jobs of this model wait; running ones go on. `registry.ALL` stands for every model: the
    workers drain.
    """

    name = models.CharField(_("model"), max_length=40, primary_key=True)
    since = models.DateTimeField(_("since"), default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = _("pause")
        verbose_name_plural = _("pauses")

    def __str__(self) -> str:
        return self.name


def names() -> frozenset[str]:
    """The models that are paused, with `registry.ALL` among them while the workers drain."""
    return frozenset(Pause.objects.values_list("name", flat=True))


def hold(name: str, by: Any) -> None:
    Pause.objects.get_or_create(name=name, defaults={"by": by})


def resume(name: str) -> None:
    """Let a model's jobs go on. Their bells rang unheard: they are rung again."""
    from colorize.models import Job

    Pause.objects.filter(pk=name).delete()
    waiting = Job.objects.filter(state=Job.State.QUEUED)
    if name != registry.ALL:
        waiting = waiting.filter(model=name)
    for pk in list(free(waiting).values_list("pk", flat=True)[:BELLS]):
        Job.objects.ring(pk)


def free(jobs: QuerySet[Any]) -> QuerySet[Any]:
    """Without those that must wait. The names are read first: a sub-query in an UPDATE would not be
    read again where it had to wait.
    """
    held = names()
    return jobs.none() if registry.ALL in held else jobs.exclude(model__in=held)


def draining() -> bool:
    """Whether no worker begins anything; False too where the database cannot say, since the page
    that tells so must not fail for it.
    """
    try:
        return Pause.objects.filter(pk=registry.ALL).exists()
    except DatabaseError:
        return False


def page(request: HttpRequest) -> dict[str, Any]:
    """For every page: asked only where it is shown."""
    return {"draining": SimpleLazyObject(draining)}
