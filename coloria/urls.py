"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("colorize.urls")),
    path("accounts/tokens/", include("accounts.tokens.urls")),
    path("accounts/", include("accounts.urls")),
    path("api/v1/", include("colorize.api.urls")),
    path("api/", include("colorize.api.docs")),
    path("admin/", admin.site.urls),
]

handler400 = "colorize.errors.bad_request"
handler403 = "colorize.errors.forbidden"
handler404 = "colorize.errors.not_found"
handler429 = "colorize.errors.too_many"  # asked for by django-allauth
handler500 = "colorize.errors.server_error"
