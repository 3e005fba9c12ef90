"""Every failure a user may be told about: a stable code and one public sentence with what to do
next.

The argument `reason` is for the log only. `facts` fill the sentence. The web layer looks the
sentence up in its translations before filling it; this package knows no Django, so strings are only
marked here.
"""

from collections.abc import Mapping


def gettext_noop(text: str) -> str:
    """Mark a sentence for the translation catalogue."""
    return text


class ColorizeError(Exception):
    code = "internal"
    sentence = gettext_noop("Something went wrong on our side. Please try again.")

    def __init__(self, reason: str = "", facts: Mapping[str, str | int] | None = None) -> None:
        super().__init__(reason)
        self.reason, self.facts = reason, dict(facts or {})

    def __reduce__(
        self,
    ) -> tuple[type, tuple[str, dict[str, str | int]]]:  # travels from the model host
        return type(self), (self.reason, self.facts)

    def __str__(self) -> str:
        return self.sentence.format(**self.facts)


class BadImage(ColorizeError):
    """Facts: name."""

    code = "bad_image"
    sentence = gettext_noop('"{name}" is damaged and cannot be opened. Try exporting it again.')


class UnsupportedType(ColorizeError):
    """Facts: name."""

    code = "unsupported_type"
    sentence = gettext_noop(
        '"{name}" is not a photo we can read. Use JPEG, PNG, WebP, TIFF, BMP or GIF.'
    )


class TooLarge(ColorizeError):
    """Facts: name, megapixels, limit."""

    code = "too_large"
    sentence = gettext_noop('"{name}" has {megapixels} megapixels; the limit is {limit}.')


class TooHeavy(TooLarge):
    """The same refusal by file size. Facts: name, megabytes, limit."""

    sentence = gettext_noop('"{name}" has {megabytes} MB; the limit is {limit} MB.')


class TooLong(TooLarge):
    """A strip within the megapixels. Facts: name, limit."""

    sentence = gettext_noop(
        '"{name}" has a side of more than {limit} pixels, the most we can save.'
    )


class TooMany(ColorizeError):
    """Facts: count, limit."""

    code = "too_many_files"
    sentence = gettext_noop(
        "You chose {count} photos. Send up to {limit} at a time (1 with All models)."
    )


class FarTooMany(TooMany):
    """So many that they are not counted. Facts: most, limit."""

    sentence = gettext_noop(
        "You chose more than {most} photos. Send up to {limit} at a time (1 with All models)."
    )


class UnknownModel(ColorizeError):
    code = "unknown_model"
    sentence = gettext_noop("There is no model with this name.")


class UnreadOption(ColorizeError):
    """Facts: title, option."""

    code = "unread_option"
    sentence = gettext_noop("{title} does not read the setting {option}.")


class ModelUnavailable(ColorizeError):
    """Facts: title. The reason holds the exact command that installs the model."""

    code = "model_unavailable"
    sentence = gettext_noop("{title} is not installed on this server.")


class ModelPaused(ColorizeError):
    """Facts: title."""

    code = "model_paused"
    sentence = gettext_noop(
        "{title} takes no photos at the moment. Choose another model, or try again later."
    )


class OutOfMemory(ColorizeError):
    code = "out_of_memory"
    sentence = gettext_noop(
        "This photo needs more memory than this server has. Your photo is unchanged."
    )


class TimedOut(ColorizeError):
    code = "timed_out"
    sentence = gettext_noop(
        "We ran out of time on this photo. Try a smaller render factor or another model."
    )


class NeverBegun(TimedOut):
    """Its turn did not come before the photo had to go."""

    sentence = gettext_noop(
        "This photo waited too long for its turn and was not coloured. Try again later."
    )


class DiskFull(ColorizeError):
    code = "disk_full"
    sentence = gettext_noop(
        "This server has no room for another photo at the moment. Try again in a few minutes."
    )


class TooManyJobs(ColorizeError):
    """Facts: count."""

    code = "too_many_jobs"
    sentence = gettext_noop(
        "{count} of your colour versions are not ready yet. Send more photos when they are."
    )


class QuotaReached(ColorizeError):
    """Facts: limit, time (HH:MM), seconds."""

    code = "quota_reached"
    sentence = gettext_noop(
        "You have used your {limit} colour versions of today. There are new ones at {time}."
    )


class Busy(ColorizeError):
    """The photos before this one take too long to be checked."""

    code = "busy"
    sentence = gettext_noop("Many photos are arriving at once. Try again in a minute.")


class Expired(ColorizeError):
    """Facts: time (HH:MM)."""

    code = "expired"
    sentence = gettext_noop("Deleted at {time}, ten minutes after it was ready, as promised.")


class Deleted(Expired):
    """The owner did not want to wait. Facts: time (HH:MM)."""

    sentence = gettext_noop("Deleted at {time}, as you asked.")


class Elapsed(Expired):
    """The owner had asked to keep it for a while. Facts: time (YYYY-MM-DD HH:MM)."""

    sentence = gettext_noop("Deleted on {time}, until when you had kept it.")


class NotReady(ColorizeError):
    code = "not_ready"
    sentence = gettext_noop("This photo is not ready yet.")


class Cancelled(ColorizeError):
    code = "cancelled"
    sentence = gettext_noop("You cancelled this photo.")


class Crashed(ColorizeError):
    """The model host died on this job."""


class WeightsError(Exception):
    """Weights that could not be fetched or taken in: what happened, and what to do next, for the
    person at the terminal.
    """
