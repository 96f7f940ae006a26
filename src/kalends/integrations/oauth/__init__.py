"""OAuth 2 for vendors whose users let us in on a page of theirs, and JSON over HTTPS with what that gave us."""

from .account import Account
from .api import JsonApi
from .client import AuthorizationServer, OAuthClient
from .http import Answer, client, judged, nonsense
from .tokens import Grant, Tokens, claims

__all__ = [
    "Account",
    "Answer",
    "AuthorizationServer",
    "Grant",
    "JsonApi",
    "OAuthClient",
    "Tokens",
    "claims",
    "client",
    "judged",
    "nonsense",
]
