"""Every code that a refusal may carry: what it means and what to do, as /api/docs/errors/ tells."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Code:
    code: str
    status: int
    means: str | Promise
    do: str | Promise


ROWS = (
    Code(
        "bad_request",
        400,
        _("A field is missing or holds a value that it cannot hold. `fields` names each."),
        _("Correct the fields and send the request again."),
    ),
    Code(
        "parse_error",
        400,
        _("The body is not what its Content-Type says, for example broken JSON."),
        _("Send valid JSON, or a form as curl -F writes it."),
    ),
    Code(
        "bad_image",
        400,
        _("The file says that it is a photo but cannot be opened: it is damaged or cut short."),
        _("Export the photo once more, or send another copy of it."),
    ),
    Code(
        "too_many_files",
        400,
        _("There are more files in one request than are allowed, or several with `model=all`."),
        _("Send fewer files per request, and one at a time with `all`."),
    ),
    Code(
        "unread_option",
        400,
        _("You sent a setting that this model does not read, so it would do nothing."),
        _("Leave it out. GET /api/v1/models names what each model reads in `options`."),
    ),
    Code(
        "authentication_failed",
        401,
        _("The token in the Authorization header is wrong, revoked or has ended."),
        _("Make a new token on the page of your account. Without the header you are a guest."),
    ),
    Code(
        "not_authenticated",
        401,
        _(
            "This needs an account, and the request shows none. At /api/v1/tokens, where only a "
            "session counts, the status is 403."
        ),
        _(
            "Send a token of your account. At /api/v1/tokens sign in with a browser: tokens can "
            "neither make nor revoke tokens."
        ),
    ),
    Code(
        "permission_denied",
        403,
        _("A browser sent this without the CSRF token of its page, or from another site."),
        _("Send the X-CSRFToken header, or use a token of your account instead of cookies."),
    ),
    Code(
        "csrf_failed",
        403,
        _("A form was sent that is too old, or from another site."),
        _("Reload the page and send the form again."),
    ),
    Code("forbidden", 403, _("You may not do this."), _("Ask whoever runs this server.")),
    Code(
        "not_found",
        404,
        _("There is nothing at this address, or it belongs to somebody else: we do not say which."),
        _("Check the address, and that you use the token or the cookies it was made with."),
    ),
    Code(
        "unknown_model",
        404,
        _("There is no model with this name."),
        _("GET /api/v1/models lists the names."),
    ),
    Code(
        "method_not_allowed",
        405,
        _("This address does not answer to this method."),
        _("The Allow header of the answer names those that it does."),
    ),
    Code(
        "not_acceptable",
        406,
        _("Your Accept header excludes JSON, and the API speaks nothing else."),
        _("Send `Accept: application/json`, or no such header."),
    ),
    Code(
        "not_ready",
        409,
        _("The result is not there yet."),
        _("GET the job until its state is `done`; with ?wait=20 one request is often enough."),
    ),
    Code(
        "cancelled",
        409,
        _("You cancelled this job."),
        _("Send the photo to a new job: POST /api/v1/photos/{id}/jobs."),
    ),
    Code(
        "idempotency_conflict",
        409,
        _("The Idempotency-Key was used for a request with another body or address."),
        _("Use a new key for each new thing, and the same key only to repeat one request."),
    ),
    Code(
        "too_many_webhooks",
        409,
        _("An account has five webhooks at most."),
        _("Delete one, or let one webhook tell of more events."),
    ),
    Code(
        "webhook_off",
        409,
        _("The webhook is off, so nothing is sent through it."),
        _("PATCH it with `enabled` true. Its `reason` tells why it is off."),
    ),
    Code(
        "expired",
        410,
        _("The photo and its colours are deleted, as promised; `deleted` says when."),
        _("Send the photo again, and fetch the result within ten minutes after it is ready."),
    ),
    Code(
        "too_large",
        413,
        _("The photo has more pixels or more bytes than this server takes."),
        _("Send a smaller copy; the sentence names the limit."),
    ),
    Code(
        "unsupported_type",
        415,
        _("The file is not a photo that we can read, whatever its name says."),
        _("Send JPEG, PNG, WebP, TIFF, BMP or GIF."),
    ),
    Code(
        "unsupported_media_type",
        415,
        _("The Content-Type of the request is none that this address reads."),
        _("Send files as multipart/form-data (curl -F), other fields as JSON or as a form."),
    ),
    Code(
        "too_many_requests",
        429,
        _("You called more often than once per so many seconds; RateLimit-Policy tells the limit."),
        _("Wait for as many seconds as Retry-After says. With ?wait=20 you need fewer calls."),
    ),
    Code(
        "rate_limited",
        429,
        _("There were too many attempts to sign in, sign up or send e-mail."),
        _("Wait some minutes. Programs use tokens, which need no sign-in."),
    ),
    Code(
        "quota_reached",
        429,
        _("Your colour versions of today are used up. They are counted from midnight UTC."),
        _("Wait until the time in the sentence, in seconds in Retry-After. Accounts have more."),
    ),
    Code(
        "too_many_jobs",
        429,
        _("Too many of your colour versions are not ready yet."),
        _("Wait until some are ready, or cancel them."),
    ),
    Code(
        "internal",
        500,
        _("Something went wrong on our side. It is in our log."),
        _("Try again, with the same Idempotency-Key. If it stays, tell whoever runs this server."),
    ),
    Code(
        "out_of_memory",
        503,
        _("This photo needs more memory than this server has. Your photo is unchanged."),
        _("Send a smaller copy, or try a smaller model or `render_factor`."),
    ),
    Code(
        "timed_out",
        503,
        _("Colouring took longer than this server allows, or its turn did not come in an hour."),
        _("Try a smaller `render_factor` or a faster model; if it was not begun, try later."),
    ),
    Code(
        "model_unavailable",
        503,
        _("The model exists, but its weights are not installed on this server."),
        _("Choose a model whose `state` is `installed` in GET /api/v1/models."),
    ),
    Code(
        "model_paused",
        503,
        _("Whoever runs this server has paused the model for now."),
        _("Choose another model, or try again later."),
    ),
    Code(
        "busy",
        503,
        _("So many photos are arriving that checking them takes too long."),
        _("Try again in a minute, with the same Idempotency-Key."),
    ),
    Code(
        "disk_full",
        507,
        _("This server has no room for another photo at the moment."),
        _("Try again in some minutes: photos are deleted all the time."),
    ),
)
CODES = {row.code: row for row in ROWS}
