"""The pictures of the main page, in their order: the first stands beside the form.

To show another one: `manage.py make_examples` with its name, a line here, its credit in
static/examples/CREDITS.md.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Example:
    slug: str  # static/examples/<slug>-before.jpg and -after.jpg
    title: str | Promise
    alt_before: str | Promise
    alt_after: str | Promise
    credit: str | Promise
    width: int  # pixels
    height: int

    @property
    def before(self) -> str:
        return f"examples/{self.slug}-before.jpg"

    @property
    def after(self) -> str:
        return f"examples/{self.slug}-after.jpg"


EXAMPLES = (
    Example(
        "astronaut",
        _("An astronaut"),
        _("Portrait in black and white"),
        _("The same portrait in colour"),
        _("NASA, public domain"),
        512,
        512,
    ),
    Example(
        "camera",
        _("A photographer"),
        _("A man with a camera on a tripod, in black and white"),
        _("The same man in colour"),
        "Lav Varshney, CC0",
        512,
        512,
    ),
    Example(
        "rocket",
        _("A rocket"),
        _("A rocket on its launch pad at dusk, in black and white"),
        _("The same rocket in colour"),
        "SpaceX, CC0",
        640,
        427,
    ),
)
