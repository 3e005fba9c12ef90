"""What is asked before a token is made."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from accounts.models import User
from accounts.tokens.limits import LONGEST_NAME, MOST, TERMS
from accounts.tokens.model import Token


def term(days: int) -> Any:
    return ngettext_lazy("%(days)s day", "%(days)s days", days) % {"days": days}


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=LONGEST_NAME,
        label=_("Name"),
        help_text=_("What it is for, so that you know later which one to revoke."),
    )
    days = forms.TypedChoiceField(
        coerce=int, initial=TERMS[1], label=_("Ends after"), choices=[(n, term(n)) for n in TERMS]
    )

    def __init__(self, user: User, *args: Any) -> None:
        super().__init__(*args)
        self.user = user

    def clean(self) -> None:
        if Token.objects.filter(user=self.user).count() >= MOST:
            raise ValidationError(
                _("You have %(most)s tokens, which is the most. Revoke one first."),
                params={"most": MOST},
            )

    def issue(self) -> tuple[Token, str]:
        return Token.issue(self.user, self.cleaned_data["name"], self.cleaned_data["days"])
