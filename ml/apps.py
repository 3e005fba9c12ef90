from django.apps import AppConfig


class MlConfig(AppConfig):
    """The Django shell of the models: it only makes the commands known."""

    name = "ml"
