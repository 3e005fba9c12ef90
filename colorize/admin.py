"""Job inspection: what happened, never what is in the picture."""

from django.contrib import admin
from django.http import HttpRequest

from colorize.models import Job, Worker


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Job)
class JobAdmin(ReadOnly):
    list_display = ("id", "model", "state", "code", "created", "seconds", "attempts", "holder")
    list_filter = ("state", "model", "code", "created")
    search_fields = ("id", "photo__id")
    date_hierarchy = "created"
    ordering = ("-created",)
    show_full_result_count = False
    exclude = ("result", "preview", "token")


@admin.register(Worker)
class WorkerAdmin(ReadOnly):
    list_display = ("name", "beat")
