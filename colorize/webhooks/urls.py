from django.urls import path

from colorize.webhooks import views

urlpatterns = [
    path("", views.webhooks, name="webhooks"),
    path("<uuid:webhook>/", views.webhook, name="webhook"),
    path("<uuid:webhook>/secret", views.rotate, name="webhook_secret"),
    path("<uuid:webhook>/switch", views.switch, name="webhook_switch"),
    path("<uuid:webhook>/delete", views.remove, name="webhook_delete"),
    path("<uuid:webhook>/test", views.test, name="webhook_test"),
    path("<uuid:webhook>/deliveries/<uuid:delivery>/replay", views.replay, name="webhook_replay"),
]
