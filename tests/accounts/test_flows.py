"""Sign up, confirm, sign in and out, change and reset the password (S183)."""

from datetime import timedelta
from http.cookies import SimpleCookie
from unittest import mock

from django.core import mail
from django.test import Client
from django.utils import translation

from accounts.models import User
from accounts.tokens.model import Token
from tests.accounts.base import PASSWORD, AccountTestCase, link, member
from tests.base import NOON, at

NEW = "sepia-is-one-either"


class SignUpTests(AccountTestCase):
    def test_the_link_in_the_mail_signs_in_where_it_was_asked_for(self) -> None:
        self.assertRedirects(self.sign_up(self.alice), "/accounts/confirm-email/")
        assert not self.is_in(self.alice)
        self.assertContains(self.alice.get(link()), "alice@example.org")
        self.assertRedirects(self.alice.post(link()), "/history/")
        assert self.is_in(self.alice)

    def test_the_link_alone_signs_nobody_in(self) -> None:
        self.sign_up(self.alice)
        self.assertRedirects(self.bob.post(link()), "/accounts/login/")
        assert not self.is_in(self.bob)
        self.sign_in(self.bob)  # who knows the password may
        assert self.is_in(self.bob)

    def test_looking_at_the_link_confirms_nothing(self) -> None:
        """Mail scanners open links."""
        self.sign_up(self.alice)
        self.bob.get(link())
        self.assertRedirects(self.sign_in(self.bob), "/accounts/confirm-email/")

    def test_a_link_with_a_slip_is_explained(self) -> None:
        self.assertContains(self.alice.get("/accounts/confirm-email/abc/"), "used up")

    def test_an_address_is_kept_in_lower_case(self) -> None:
        self.sign_up(self.alice, "Alice@Example.ORG")
        assert User.objects.get().email == "alice@example.org"

    def test_a_weak_password_is_refused_beside_its_field(self) -> None:
        answer = self.sign_up(self.alice, password1="12345678")
        self.assertContains(answer, 'id="id_password1_error"')
        self.assertContains(answer, 'aria-invalid="true"')
        assert not User.objects.exists()

    def test_two_sign_ups_at_once_make_one_account(self) -> None:
        """The second passes the form before the first is saved."""
        check = "allauth.account.forms.flows.manage_email.email_already_exists"
        with mock.patch(check, side_effect=lambda email: (email, False)):
            first, second = self.sign_up(self.alice), self.sign_up(self.bob)
        assert (first.status_code, first["Location"]) == (second.status_code, second["Location"])
        assert User.objects.count() == 1

    def test_who_never_opened_the_link_is_forgotten(self) -> None:
        """With the next sign-up after the link has ended; who may sign in stays."""
        with at(NOON):
            self.sign_up(self.bob, "stranger@example.org")
            member("here@example.org")
            User.objects.create_user("made-by-staff@example.org")
        with at(NOON + timedelta(days=2)):
            self.sign_up(self.alice)
            assert User.objects.filter(email="stranger@example.org").exists()
        with at(NOON + timedelta(days=4)):
            self.sign_up(self.alice)
        kept = set(User.objects.values_list("email", flat=True))
        assert kept == {"alice@example.org", "here@example.org", "made-by-staff@example.org"}

    def test_mails_are_plain_text_in_the_readers_language(self) -> None:
        asked = "Open this link to confirm that this is your address:"
        for language in ("en", "fr"):
            client = Client()
            client.cookies = SimpleCookie({"django_language": language})
            self.sign_up(client, f"{language}@example.org")
            with translation.override(language):
                assert translation.gettext(asked) in str(mail.outbox[-1].body)
            assert not getattr(mail.outbox[-1], "alternatives", None)


class SignInTests(AccountTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = member()

    def test_the_password_opens_the_account(self) -> None:
        self.assertRedirects(self.sign_in(self.alice, "ALICE@example.org"), "/history/")
        self.assertContains(self.alice.get("/about/"), 'href="/accounts/"')

    def test_a_wrong_password_does_not(self) -> None:
        answer = self.sign_in(self.alice, password="wrong")
        assert answer.status_code == 200 and not self.is_in(self.alice)

    def test_a_closed_account_stays_closed(self) -> None:
        User.objects.update(is_active=False)
        self.assertRedirects(self.sign_in(self.alice), "/accounts/inactive/")
        assert not self.is_in(self.alice)

    def test_staying_signed_in_is_asked_for(self) -> None:
        self.sign_in(self.alice)
        assert self.alice.session.get_expire_at_browser_close()
        self.sign_in(self.bob, remember="on")
        assert not self.bob.session.get_expire_at_browser_close()

    def test_signing_out_takes_a_post(self) -> None:
        self.sign_in(self.alice)
        self.alice.get("/accounts/logout/")
        assert self.is_in(self.alice)
        self.assertRedirects(self.alice.post("/accounts/logout/"), "/")
        assert not self.is_in(self.alice)

    def test_the_key_of_the_session_changes_at_sign_in(self) -> None:
        self.send(self.alice)
        before = self.alice.session.session_key
        self.sign_in(self.alice)
        after = self.alice.session.session_key
        assert before and after and before != after
        assert not self.alice.session.exists(before)

    def test_the_account_page_asks_strangers_to_sign_in(self) -> None:
        for page in ("", "email/", "password/change/", "delete/"):
            answer = self.bob.get(f"/accounts/{page}")
            self.assertRedirects(answer, f"/accounts/login/?next=/accounts/{page}")

    def test_forms_are_guarded_against_forgery(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.user)
        for page in ("login/", "signup/", "logout/", "password/reset/", "email/", "delete/"):
            assert client.post(f"/accounts/{page}").status_code == 403, page


class PasswordTests(AccountTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = member()

    def reset(self) -> None:
        self.alice.post("/accounts/password/reset/", {"email": "alice@example.org"})

    def test_it_is_reset_by_a_mailed_link_once(self) -> None:
        self.reset()
        form = self.alice.get(link(), follow=True)
        address = form.redirect_chain[-1][0]
        assert address not in link()  # the key is not on the page that the form is on
        fields = {"password1": NEW, "password2": NEW}
        self.assertRedirects(self.alice.post(address, fields), "/accounts/password/reset/key/done/")
        self.assertContains(self.bob.get(self.reset_link()), "used up")
        assert self.sign_in(self.alice, password=NEW).status_code == 302

    def reset_link(self) -> str:
        """Of the mail before the newest, which says that the password was changed."""
        del mail.outbox[-1]
        return link()

    def test_a_reset_ends_every_session(self) -> None:
        self.bob.force_login(self.user)
        self.reset()
        address = self.alice.get(link(), follow=True).redirect_chain[-1][0]
        self.alice.post(address, {"password1": NEW, "password2": NEW})
        assert not self.is_in(self.bob)

    def test_a_reset_revokes_every_token_of_the_account_and_no_other(self) -> None:
        """Whoever had the account before may have made one."""
        theirs, others = (
            Token.issue(one, "archive", 30)[1] for one in (self.user, member("b@c.d"))
        )
        self.reset()
        address = self.alice.get(link(), follow=True).redirect_chain[-1][0]
        self.assertContains(self.alice.get(address), "all tokens of your programs are revoked")
        weak = {"password1": "12345678", "password2": "12345678"}
        self.alice.post(address, weak)  # saves nothing
        assert (self.asks_with(theirs), self.asks_with(others)) == (200, 200)
        self.alice.post(address, {"password1": NEW, "password2": NEW})
        assert (self.asks_with(theirs), self.asks_with(others)) == (401, 200)
        assert "tokens of your programs are revoked" in str(mail.outbox[-1].body)

    def test_a_password_that_staff_sets_revokes_every_token(self) -> None:
        text = Token.issue(self.user, "archive", 30)[1]
        self.bob.force_login(User.objects.create_superuser("admin@example.org"))
        page = f"/admin/accounts/user/{self.user.pk}/password/"
        self.bob.post(page, {"password1": "12345678", "password2": NEW})  # saves nothing
        assert self.asks_with(text) == 200
        self.bob.post(page, {"password1": NEW, "password2": NEW, "usable_password": "true"})
        assert self.asks_with(text) == 401

    def test_a_change_keeps_tokens_and_says_so(self) -> None:
        text = Token.issue(self.user, "archive", 30)[1]
        self.alice.force_login(self.user)
        page = self.alice.get("/accounts/password/change/")
        self.assertContains(page, "The tokens of your programs stay")
        self.assertContains(page, 'href="/accounts/tokens/"')
        fields = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
        self.alice.post("/accounts/password/change/", fields)
        assert self.asks_with(text) == 200

    def asks_with(self, token: str) -> int:
        headers = {"authorization": f"Bearer {token}"}
        return Client().get("/api/v1/photos", headers=headers).status_code

    def test_it_is_changed_by_who_knows_it(self) -> None:
        self.alice.force_login(self.user)
        self.bob.force_login(self.user)
        fields = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
        wrong = self.alice.post("/accounts/password/change/", fields | {"oldpassword": "guess"})
        assert wrong.status_code == 200
        answer = self.alice.post("/accounts/password/change/", fields)
        self.assertRedirects(answer, "/accounts/")
        assert self.is_in(self.alice) and not self.is_in(self.bob)
        assert "was changed" in mail.outbox[-1].subject

    def test_the_address_changes_when_the_new_one_is_confirmed(self) -> None:
        self.sign_in(self.alice)
        fields = {"email": "new@example.org", "action_add": "1"}
        asked = self.alice.post("/accounts/email/", fields)
        assert asked["Location"].startswith("/accounts/reauthenticate/")
        self.alice.post(asked["Location"], {"password": PASSWORD})
        assert User.objects.get().email == "alice@example.org"
        self.alice.post(link())
        assert User.objects.get().email == "new@example.org"
        assert mail.outbox[-1].to == ["alice@example.org"]  # the old one is told
