"""Microsoft's login: authorization codes with PKCE, access tokens that end, refresh tokens that change."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from urllib.parse import urlencode
from uuid import uuid4

from tests.fakes.graph_mailbox import Json, Mailbox

SCOPES = "https://graph.microsoft.com/Calendars.ReadWrite https://graph.microsoft.com/User.Read"
LIFE_S = 3600


class Denied(Exception):
    """An error of the token endpoint (RFC 6749 5.2)."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error, self.status = error, status


@dataclass
class Login:
    """Who may come in, and as whom.

    Attributes:
        signed_in: whose browser it is; None: nobody's.
        consents: he says yes on the page.
        scopes: what is granted then.
        access, refresh: tokens that are good, and whose.
        requests_left: after so many requests every access token is refused once, as if it had ended; None: never.
        one_use: a refresh token is good once.
    """

    client_id: str = "client-of-tests"
    client_secret: str = "s3cret-of-the-client"
    tenant: str = "common"
    signed_in: Mailbox | None = None
    consents: bool = True
    scopes: str = SCOPES
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    access: dict[str, Mailbox] = field(default_factory=dict)
    refresh: dict[str, Mailbox] = field(default_factory=dict)
    requests_left: int | None = None
    one_use: bool = False
    refreshed: int = 0

    def page(self, asked: dict[str, str]) -> str:
        """Answer where the browser is sent from the page, with a code or with a refusal."""
        if asked["client_id"] != self.client_id or asked.get("response_type") != "code":
            raise Denied("unauthorized_client")
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            raise Denied("invalid_request")
        answer = {"state": asked["state"]}
        if self.consents and self.signed_in:
            code = f"code-{uuid4().hex}"
            self.codes[code] = {**asked, "account": self.signed_in.id}
            answer["code"] = code
        else:
            answer.update(error="access_denied", error_description="AADSTS65004: the user declined to consent")
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def token(self, form: dict[str, str], accounts: dict[str, Mailbox]) -> Json:
        """Answer the token endpoint."""
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            raise Denied("invalid_client", 401)
        if form["grant_type"] == "authorization_code":
            asked = self.codes.pop(form.get("code", ""), None)
            if not asked or asked["redirect_uri"] != form.get("redirect_uri"):
                raise Denied("invalid_grant")
            if asked["code_challenge"] != _challenge(form.get("code_verifier", "")):
                raise Denied("invalid_grant")
            return self.grant(accounts[asked["account"]])
        owner = self.refresh.get(form.get("refresh_token", ""))
        if form["grant_type"] != "refresh_token" or owner is None:
            raise Denied("invalid_grant")
        if self.one_use:
            del self.refresh[form["refresh_token"]]
        self.refreshed += 1
        return self.grant(owner)

    def grant(self, owner: Mailbox) -> Json:
        """Make tokens."""
        access, refresh = f"access-{uuid4().hex}", f"refresh-{uuid4().hex}"
        self.access[access], self.refresh[refresh] = owner, owner
        return {
            "token_type": "Bearer",
            "scope": self.scopes,
            "expires_in": LIFE_S,
            "access_token": access,
            "refresh_token": refresh,
        }

    def owner_of(self, header: str) -> Mailbox | None:
        """Tell whose a request is; None: its token is not good."""
        if self.requests_left is not None:
            if self.requests_left == 0:
                self.access.clear()
                self.requests_left = None
            else:
                self.requests_left -= 1
        return self.access.get(header.removeprefix("Bearer "))

    def end_access(self) -> None:
        """Let every access token end now."""
        self.access.clear()

    def revoke(self, owner: Mailbox) -> None:
        """Let the owner take back what was granted."""
        for tokens in (self.access, self.refresh):
            for token in [one for one, of in tokens.items() if of is owner]:
                del tokens[token]


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
