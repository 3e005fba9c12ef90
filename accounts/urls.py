from django.urls import include, path

from accounts import views

urlpatterns = [
    path("", views.account, name="account"),
    path("delete/", views.delete, name="account_delete"),
    path("deleted/", views.deleted, name="account_deleted"),
    path("tokens/", include("accounts.tokens.urls")),
    path("", include("allauth.account.urls")),
]
