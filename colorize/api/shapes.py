"""What the API takes and gives, for its schema. The JSON itself is made in colorize.shown."""

from typing import Any

from rest_framework import serializers as fields

from colorize.models import Job

Shape = fields.Serializer[Any]
STATES = [state.value for state in Job.State]


class Problem(Shape):
    detail = fields.CharField(help_text="One sentence for a person.")
    code = fields.CharField(help_text="For programs; each has a page at `docs`.")
    docs = fields.CharField(help_text="Address of the code's page.")


class RefusedFile(Shape):
    name = fields.CharField()
    code = fields.CharField()
    detail = fields.CharField()


class JobError(Shape):
    code = fields.CharField()
    detail = fields.CharField()


class JobShape(Shape):
    id = fields.UUIDField()
    photo = fields.UUIDField()
    model = fields.CharField()
    title = fields.CharField(help_text="The model's name for people.")
    state = fields.ChoiceField(STATES)
    position = fields.IntegerField(
        allow_null=True, help_text="1 is next, 0 is being coloured; null once it has ended."
    )
    eta_s = fields.FloatField(allow_null=True, help_text="Estimated seconds until it is ready.")
    progress = fields.FloatField(help_text="0 to 1.")
    settings = fields.DictField(help_text="What the model was told, by the names of the fields.")
    subject = fields.CharField(allow_null=True, help_text="The class that `label` named.")
    created = fields.DateTimeField()
    started = fields.DateTimeField(allow_null=True)
    finished = fields.DateTimeField(allow_null=True)
    expires = fields.DateTimeField(
        allow_null=True, help_text="When the files are deleted; null while a job is active."
    )
    seconds = fields.FloatField(allow_null=True, help_text="What colouring took.")
    width = fields.IntegerField()
    height = fields.IntegerField()
    bytes = fields.IntegerField(allow_null=True, help_text="Size of the result.")
    download = fields.CharField(allow_null=True, help_text="Address of the result.")
    preview = fields.CharField(allow_null=True, help_text="Address of a smaller copy for a page.")
    error = JobError(allow_null=True)


class PhotoShape(Shape):
    id = fields.UUIDField()
    name = fields.CharField()
    title = fields.CharField(help_text="The owner's own title, or the name.")
    width = fields.IntegerField(help_text="Pixels, upright.")
    height = fields.IntegerField()
    bytes = fields.IntegerField()
    created = fields.DateTimeField()
    expires = fields.DateTimeField(
        allow_null=True, help_text="When the files are deleted; null while a job is active."
    )
    kept = fields.DateTimeField(
        allow_null=True, help_text="Until when its owner asked to keep it; null: ten minutes."
    )
    deleted = fields.DateTimeField(allow_null=True)
    preview = fields.CharField(allow_null=True)
    ready = fields.IntegerField(help_text="Colour versions that are done.")
    jobs = JobShape(many=True)


class Taken(Shape):
    photos = PhotoShape(many=True)
    errors = RefusedFile(many=True)  # type: ignore[assignment]


class Wishes(Shape):
    model = fields.CharField(
        required=False, help_text="A name of `/api/v1/models`, or `all`; the default if left out."
    )
    strength = fields.FloatField(required=False, min_value=0, max_value=2)
    render_factor = fields.IntegerField(required=False, min_value=7, max_value=45)
    seed = fields.IntegerField(required=False, min_value=0, max_value=2**32 - 1)
    candidates = fields.IntegerField(required=False, min_value=1, max_value=5)
    raw = fields.BooleanField(required=False)
    label = fields.CharField(  # type: ignore[assignment]
        required=False, help_text="What is in the picture: a name of `/api/v1/classes`."
    )
    hints = fields.CharField(
        required=False,
        help_text='Colours at points, as JSON: `[{"x": 0.5, "y": 0.2, "rgb": [170, 60, 40]}]`; '
        "x and y are shares of width and height.",
    )


class HintShape(Shape):
    x = fields.FloatField(min_value=0, max_value=1)
    y = fields.FloatField(min_value=0, max_value=1)
    rgb = fields.ListField(
        child=fields.IntegerField(min_value=0, max_value=255), min_length=3, max_length=3
    )


class WishesJSON(Wishes):
    hints = HintShape(many=True, required=False)  # type: ignore[assignment]


class PhotoUpload(Wishes):
    image = fields.FileField(help_text="JPEG, PNG, WebP, TIFF, BMP or GIF.")


class SeveralUpload(Wishes):
    photos = fields.ListField(child=fields.FileField())


class ModelShape(Shape):
    name = fields.CharField()
    title = fields.CharField()
    summary = fields.CharField()
    state = fields.ChoiceField(["installed", "paused", "missing", "corrupt"])
    options = fields.ListField(child=fields.CharField(), help_text="Settings that it reads.")
    default = fields.BooleanField()


class Said(Shape):
    detail = fields.CharField()


class TokenShape(Shape):
    id = fields.UUIDField()
    name = fields.CharField()
    begins = fields.CharField(help_text="The first characters of the token.")
    created = fields.DateTimeField()
    expires = fields.DateTimeField()


class NewToken(TokenShape):
    token = fields.CharField(help_text="Shown in this answer and never again.")
