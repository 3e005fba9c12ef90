from django.urls import path

from colorize.api import views

urlpatterns = [
    path("photos", views.Photos.as_view(), name="api-photos"),
    path("photos/<uuid:pk>", views.PhotoDetail.as_view(), name="api-photo"),
    path("photos/<uuid:pk>/jobs", views.PhotoJobs.as_view(), name="api-photo-jobs"),
    path("jobs/<uuid:pk>", views.JobDetail.as_view(), name="api-job"),
    path("jobs/<uuid:pk>/download", views.Download.as_view(), name="api-download"),
    path("models", views.Models.as_view(), name="api-models"),
    path("classes", views.Classes.as_view(), name="api-classes"),
    path("upload", views.Upload.as_view(), name="api-upload"),
    path("test", views.Test.as_view(), name="api-test"),
]
