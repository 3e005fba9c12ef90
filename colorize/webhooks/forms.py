"""What the owner of a webhook may write."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from colorize.webhooks import outbound
from colorize.webhooks.models import Webhook

LONGEST = 500  # characters of an address


def callable_address(url: str) -> None:
    """Refuses early what would be refused at every delivery. Names are resolved only then: a name
    may mean something else tomorrow, and a page shall not wait for a resolver.
    """
    try:
        outbound.target(url)
    except outbound.Undelivered as error:
        raise ValidationError(
            _("Write an https address of a server on the internet, on port 443 or 8443.")
        ) from error


class WebhookForm(forms.ModelForm):  # type: ignore[type-arg]
    url = forms.CharField(
        max_length=LONGEST,
        label=_("Address"),
        validators=[callable_address],
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"}),
    )
    events = forms.MultipleChoiceField(
        choices=Webhook.Event.choices, label=_("Tell when"), widget=forms.CheckboxSelectMultiple
    )
    description = forms.CharField(max_length=200, required=False, label=_("Description"))

    class Meta:
        model = Webhook
        fields = ["url", "events", "description"]

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.fields["events"].initial = [Webhook.Event.READY]
