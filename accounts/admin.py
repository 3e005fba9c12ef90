from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.tokens.model import Token
from accounts.views import erase

# The administration has no door of its own: one sign-in page, one set of rate limits.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


class NewUser(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email",)


class StaffPassword(AdminPasswordChangeForm):  # type: ignore[type-arg]
    def save(self, commit: bool = True) -> Any:
        """As a reset does (accounts.forms.ResetForm): what opened the account opens it no more."""
        with transaction.atomic():
            Token.objects.filter(user=self.user).delete()
            return super().save(commit)


@admin.register(User)
class AccountAdmin(UserAdmin):
    add_form = NewUser
    change_password_form = StaffPassword
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (
            _("Permissions"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
    list_display = ("email", "is_active", "is_staff", "date_joined", "last_login")
    readonly_fields = ("last_login", "date_joined")
    search_fields = ("email",)
    ordering = ("email",)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What is an account's goes with it, though no administrator may delete it by itself."""
        found, counts, _, protected = super().get_deleted_objects(objs, request)
        return found, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        erase(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            erase(user)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            obj.vouch()
