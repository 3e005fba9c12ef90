"""What a visitor may wish of a model: the same bounds and sentences on the page and in the API."""

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ml import classes
from ml.errors import UnreadOption
from ml.spec import Hint, ModelSpec, Settings

MOST_HINTS = 500


def as_fields(model: str, kept: dict[str, Any]) -> dict[str, str]:
    """What a form sends for settings that a job was given."""
    return {"model": model} | {name: json.dumps(value) for name, value in kept.items()}


def always(sentence: str | Promise) -> dict[str, Any]:
    """One sentence describes a number, whatever is wrong with it."""
    return dict.fromkeys(("invalid", "min_value", "max_value"), sentence)


class ClassField(forms.CharField):
    """One of ImageNet's classes, by number or by name."""

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        number = classes.number(text)
        if number is None:
            raise ValidationError(
                _("The subject is a number from 0 to 999 or the name of one of ImageNet's classes.")
            )
        return number


class FlagField(forms.CharField):
    """Yes or no, as forms and as JSON write it; None where it was not sent."""

    MEANT = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}

    def clean(self, value: Any) -> bool | None:
        text = super().clean(value).lower()
        if text and text not in self.MEANT:
            raise ValidationError(_("The raw output is wished with true or false."))
        return self.MEANT.get(text)


class HintsField(forms.JSONField):
    """A list of {"x", "y", "rgb"}, as JSON."""

    def clean(self, value: Any) -> tuple[Hint, ...] | None:
        try:
            found = super().clean(value)
        except RecursionError:
            found = {}
        if found is None:
            return None
        if not isinstance(found, list):
            raise ValidationError(_("Hints are a list of {x, y, rgb}."))
        if len(found) > MOST_HINTS:
            raise ValidationError(
                _("A photo takes up to %(limit)s hints; these are %(count)s."),
                params={"limit": MOST_HINTS, "count": len(found)},
            )
        return tuple(hint(one, number) for number, one in enumerate(found, 1))


def hint(value: Any, number: int) -> Hint:
    """Raises ValidationError, which names the hint by its place in the list."""
    try:
        x, y, (red, green, blue) = value["x"], value["y"], value["rgb"]
    except (TypeError, ValueError, KeyError, IndexError):
        x = y = red = green = blue = None
    places = all(type(share) in (int, float) and 0 <= share <= 1 for share in (x, y))
    colours = all(type(part) is int and 0 <= part <= 255 for part in (red, green, blue))
    if not (places and colours):
        raise ValidationError(
            _(
                "Hint %(number)s is not right: x and y are shares of width and height from 0 to 1, "
                "rgb is three whole numbers from 0 to 255."
            ),
            params={"number": number},
        )
    return Hint(float(x), float(y), (red, green, blue))


class WishesForm(forms.Form):
    """The model and its settings. A value that is not given is the model's own."""

    model = forms.SlugField(
        required=False, error_messages={"invalid": _("There is no model with this name.")}
    )
    strength = forms.FloatField(
        required=False,
        min_value=0,
        max_value=2,
        error_messages=always(_("The strength of the colour is a number from 0 to 2.")),
    )
    render_factor = forms.IntegerField(
        required=False,
        min_value=7,
        max_value=45,
        error_messages=always(_("The render factor is a whole number from 7 to 45.")),
    )
    seed = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=2**32 - 1,
        error_messages=always(_("The seed is a whole number from 0 to 4294967295.")),
    )
    candidates = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=5,
        error_messages=always(_("The candidates are a whole number from 1 to 5.")),
    )
    raw = FlagField(required=False)
    label = ClassField(required=False)
    hints = HintsField(
        required=False, error_messages={"invalid": _("Hints are a list of {x, y, rgb}.")}
    )

    def given(self) -> dict[str, Any]:
        """The settings that were sent, by their names in Settings."""
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if name != "model" and value is not None
        }

    def wishes(self) -> Settings:
        return Settings(**self.given())

    def refuse_unread(self, spec: ModelSpec) -> None:
        """Raises UnreadOption for a setting that would do nothing."""
        for name in self.given():
            if name not in spec.options:
                raise UnreadOption(name, {"title": spec.title, "option": name})

    def sentences(self) -> Sequence[str]:
        """What is wrong, each thing once."""
        found = (str(error) for errors in self.errors.values() for error in errors)
        return list(dict.fromkeys(found))
