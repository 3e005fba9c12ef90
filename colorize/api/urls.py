from django.urls import path

from colorize.api import jobs, photos, site, tokens, webhooks

urlpatterns = [
    path("photos", photos.Photos.as_view(), name="api-photos"),
    path("photos/<uuid:pk>", photos.PhotoDetail.as_view(), name="api-photo"),
    path("photos/<uuid:pk>/jobs", photos.PhotoJobs.as_view(), name="api-photo-jobs"),
    path("jobs", jobs.Jobs.as_view(), name="api-jobs"),
    path("jobs/<uuid:pk>", jobs.JobDetail.as_view(), name="api-job"),
    path("jobs/<uuid:pk>/download", jobs.Download.as_view(), name="api-download"),
    path("models", site.Models.as_view(), name="api-models"),
    path("classes", site.Classes.as_view(), name="api-classes"),
    path("tokens", tokens.Tokens.as_view(), name="api-tokens"),
    path("tokens/<uuid:pk>", tokens.TokenDetail.as_view(), name="api-token"),
    path("upload", photos.Upload.as_view(), name="api-upload"),
    path("webhooks", webhooks.Webhooks.as_view(), name="api-webhooks"),
    path("webhooks/<uuid:webhook>", webhooks.WebhookDetail.as_view(), name="api-webhook"),
    path("webhooks/<uuid:webhook>/secret", webhooks.WebhookSecret.as_view()),
    path("webhooks/<uuid:webhook>/test", webhooks.WebhookTest.as_view()),
    path("webhooks/<uuid:webhook>/deliveries", webhooks.Deliveries.as_view()),
    path("webhooks/<uuid:webhook>/deliveries/<uuid:delivery>/replay", webhooks.Replay.as_view()),
    path("test", site.Test.as_view(), name="api-test"),
]
