"""Pages, the report's routes and the checks of operations."""

from django.urls import include, path

from colorize import health, history, views

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
    path("history/", history.history, name="history"),
    path("history/delete", history.forget_all, name="forget-all"),
    path("history/names", history.names, name="names"),
    path("history/export.csv", history.export, {"kind": "csv"}, name="export-csv"),
    path("history/export.json", history.export, {"kind": "json"}, name="export-json"),
    path("photos/<uuid:pk>/title", history.rename, name="rename"),
    path("photos/<uuid:pk>/keep", history.keep, name="keep"),
    path("photos/<uuid:pk>/forget", history.forget, name="forget"),
    path("jobs/<uuid:pk>/again", history.run_again, name="run-again"),
    path("models/", views.models, name="models"),
    path("models/<slug:name>/", views.model, name="model"),
    path("how-it-works/", views.how, name="how"),
    path("about/", views.about, name="about"),
    path("accounts/webhooks/", include("colorize.webhooks.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
