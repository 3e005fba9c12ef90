"""Tokens by program: only a session may make or revoke them, so that a token that leaked cannot
make others.
"""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext
from knox.models import get_token_model
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from colorize.api.answers import NO_STORE
from colorize.api.described import described
from colorize.api.guests import SessionOrGuest
from colorize.api.photos import FlatJSON
from colorize.api.shapes import NewToken, TokenShape

MOST, LONGEST = 20, 365  # tokens of an account, days


class TokenWish(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)
    days = serializers.IntegerField(min_value=1, max_value=LONGEST, default=90)


def shown(token: Any) -> dict[str, Any]:
    return {
        "id": str(token.id),
        "name": token.name,
        "begins": token.token_key,
        "created": token.created,
        "expires": token.expiry,
    }


class SessionOnly(APIView):
    authentication_classes = [SessionOrGuest]
    permission_classes = [IsAuthenticated]
    parser_classes = [FlatJSON, FormParser, MultiPartParser]


class Tokens(SessionOnly):
    @described("List your tokens", {200: TokenShape(many=True)}, tag="Tokens")
    def get(self, request: Request) -> Response:
        """Only in a session: a token cannot list tokens."""
        rows = get_token_model().objects.filter(user=request.user)
        return Response([shown(token) for token in rows], headers=NO_STORE)

    @described("Make a token", {201: NewToken}, (413, 415), request=TokenWish, tag="Tokens")
    def post(self, request: Request) -> Response:
        """The answer is the only one that holds the token."""
        wish = TokenWish(data=request.data)
        wish.is_valid(raise_exception=True)
        model: Any = get_token_model()
        if model.objects.filter(user=request.user).count() >= MOST:
            raise ValidationError(
                {"name": [gettext("You have too many tokens. Revoke one first.")]}
            )
        token, text = model.issue(request.user, **wish.validated_data)
        return Response(shown(token) | {"token": text}, status=201, headers=NO_STORE)


class TokenDetail(SessionOnly):
    @described("Revoke a token", {204: None}, (404,), tag="Tokens")
    def delete(self, request: Request, pk: UUID) -> Response:
        """It ends at once."""
        gone, _ = get_token_model().objects.filter(id=pk, user=request.user).delete()
        if not gone:
            raise Http404
        return Response(status=204)
