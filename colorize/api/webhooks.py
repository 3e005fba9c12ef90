"""The API of webhooks: for accounts, by token or session. A stranger's webhook is not found."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from rest_framework import serializers
from rest_framework.exceptions import APIException, Throttled
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from colorize.api.answers import NO_STORE
from colorize.api.described import described
from colorize.api.photos import FlatJSON
from colorize.webhooks import events
from colorize.webhooks.forms import LONGEST, callable_address
from colorize.webhooks.models import PAUSE, Delivery, TooMany, TooSoon, Webhook
from colorize.webhooks.views import LISTED, mine, site, too_many

TAG = "Webhooks"
BODY = (413, 415)


class Conflict(APIException):
    status_code = 409


class WebhookShape(serializers.ModelSerializer[Webhook]):
    url = serializers.CharField(max_length=LONGEST, validators=[callable_address])
    events = serializers.MultipleChoiceField(choices=Webhook.Event.choices, allow_empty=False)
    enabled = serializers.BooleanField(required=False, help_text="false: nothing is sent.")
    reason = serializers.CharField(
        read_only=True, help_text="Why it is off: gone, failing, or empty if its owner did it."
    )
    failing = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Since when every attempt has failed."
    )

    class Meta:
        model = Webhook
        fields = ["id", "url", "events", "description", "enabled", "reason", "failing", "created"]
        read_only_fields = ["created"]

    def validate_events(self, chosen: set[str]) -> list[str]:
        return [event for event in Webhook.Event.values if event in chosen]

    def to_representation(self, webhook: Webhook) -> dict[str, Any]:
        return super().to_representation(webhook) | {"events": webhook.events}

    def create(self, fields: dict[str, Any]) -> Webhook:
        try:
            return Webhook.objects.establish(**fields)
        except TooMany:
            raise Conflict(too_many(), "too_many_webhooks") from None

    def update(self, webhook: Webhook, fields: dict[str, Any]) -> Webhook:
        enabled = fields.pop("enabled", webhook.enabled)
        for name, value in fields.items():
            setattr(webhook, name, value)
        webhook.save(update_fields=list(fields))
        webhook.switch(enabled)
        return webhook


class NewWebhook(WebhookShape):
    secret = serializers.CharField(
        read_only=True, help_text="Signs the messages; in this answer and never again."
    )

    class Meta(WebhookShape.Meta):
        fields = [*WebhookShape.Meta.fields, "secret"]


class DeliveryShape(serializers.ModelSerializer[Delivery]):
    class Meta:
        model = Delivery
        fields = ["id", "event", "state", "attempts", "due", "told", "outcome", "status", "answer"]
        fields += ["created"]
        read_only_fields = fields


class ForAccounts(APIView):
    permission_classes = [IsAuthenticated]
    parser_classes = [FlatJSON]


class Webhooks(ForAccounts):
    @described("List your webhooks", {200: WebhookShape(many=True)}, tag=TAG)
    def get(self, request: Request) -> Response:
        """The account's webhooks: at most five."""
        return Response(WebhookShape(mine(request), many=True).data, headers=NO_STORE)

    @described("Add a webhook", {201: NewWebhook}, (409, *BODY), request=WebhookShape, tag=TAG)
    def post(self, request: Request) -> Response:
        """Add a webhook. The answer alone holds its secret."""
        shape = NewWebhook(data=request.data)
        shape.is_valid(raise_exception=True)
        shape.save(owner_id=request.user.pk, site=site(request))
        return Response(shape.data, status=201, headers=NO_STORE)


class WebhookDetail(ForAccounts):
    @described("Show a webhook", {200: WebhookShape}, (404,), tag=TAG)
    def get(self, request: Request, webhook: UUID) -> Response:
        found = get_object_or_404(mine(request), pk=webhook)
        return Response(WebhookShape(found).data, headers=NO_STORE)

    @described("Change a webhook", {200: WebhookShape}, (404, *BODY), request=WebhookShape, tag=TAG)
    def patch(self, request: Request, webhook: UUID) -> Response:
        """Change what is sent; what is left out stays. `enabled` true turns it on again."""
        found = get_object_or_404(mine(request), pk=webhook)
        shape = WebhookShape(found, data=request.data, partial=True)
        shape.is_valid(raise_exception=True)
        shape.save()
        return Response(shape.data, headers=NO_STORE)

    @described("Delete a webhook", {204: None}, (404,), tag=TAG)
    def delete(self, request: Request, webhook: UUID) -> Response:
        get_object_or_404(mine(request), pk=webhook).delete()
        return Response(status=204)


class WebhookSecret(ForAccounts):
    @described("Make a new secret", {200: NewWebhook}, (404, *BODY), tag=TAG)
    def post(self, request: Request, webhook: UUID) -> Response:
        """A new secret. For 24 hours the previous one signs beside it."""
        found = get_object_or_404(mine(request), pk=webhook)
        found.rotate()
        return Response(NewWebhook(found).data, headers=NO_STORE)


class Deliveries(ForAccounts):
    @described("List the messages of a webhook", {200: DeliveryShape(many=True)}, (404,), tag=TAG)
    def get(self, request: Request, webhook: UUID) -> Response:
        """The latest hundred messages of a webhook, newest first."""
        found = get_object_or_404(mine(request), pk=webhook)
        rows = found.deliveries.defer("body")[:LISTED]
        return Response(DeliveryShape(rows, many=True).data, headers=NO_STORE)


class WebhookTest(ForAccounts):
    @described("Send a test", {202: DeliveryShape}, (404, 409, *BODY), tag=TAG)
    def post(self, request: Request, webhook: UUID) -> Response:
        """Send a message of type `test`."""
        found = able(request, webhook)
        try:
            return Response(DeliveryShape(events.test(found)).data, status=202)
        except TooSoon:
            raise Throttled(PAUSE.total_seconds(), code="too_many_requests") from None


class Replay(ForAccounts):
    @described("Send a message again", {202: DeliveryShape}, (404, 409, *BODY), tag=TAG)
    def post(self, request: Request, webhook: UUID, delivery: UUID) -> Response:
        """Send a message once more, with the same `webhook-id` and the same body."""
        row = get_object_or_404(able(request, webhook).deliveries, pk=delivery)
        try:
            Delivery.objects.replay(row)
        except TooSoon:
            raise Throttled(PAUSE.total_seconds(), code="too_many_requests") from None
        return Response(DeliveryShape(row).data, status=202)


def able(request: Request, pk: UUID) -> Webhook:
    """A webhook that may send."""
    found = get_object_or_404(mine(request), pk=pk)
    if not found.enabled:
        raise Conflict(gettext("Turn the webhook on first."), "webhook_off")
    return found
