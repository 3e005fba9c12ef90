"""The addresses of tokens, below /accounts/tokens/."""

from django.urls import path

from accounts.tokens import views

urlpatterns = [
    path("", views.tokens, name="tokens"),
    path("<uuid:pk>/revoke", views.revoke, name="token_revoke"),
]
