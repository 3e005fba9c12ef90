"""Pages, the report's routes and the checks of operations."""

from django.urls import include, path

from colorize import health, views

urlpatterns = [
    path("", views.index, name="index"),
    path("upload", views.upload, name="upload"),
    path("test", views.test, name="test"),
    path("photos/<uuid:pk>/", views.photo, name="photo"),
    path("photos/<uuid:pk>/original", views.original, name="original"),
    path("photos/<uuid:pk>/jobs", views.again, name="again"),
    path("photos/<uuid:pk>/delete", views.delete, name="delete"),
    path("jobs/<uuid:pk>/preview", views.preview, name="preview"),
    path("jobs/<uuid:pk>/cancel", views.cancel, name="cancel"),
    path("download/<uuid:pk>", views.download, name="download"),
    path("history/", views.history, name="history"),
    path("models/", views.models, name="models"),
    path("models/<slug:name>/", views.model, name="model"),
    path("how-it-works/", views.how, name="how"),
    path("about/", views.about, name="about"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
