"""User name and password, sent as the server asks for them: Basic (RFC 7617) or Digest (RFC 7616)."""

from __future__ import annotations

from collections.abc import Generator

import httpx2


class Password(httpx2.Auth):
    """Sends Basic at once, which most servers take, and Digest to those that ask for it (Baïkal's default)."""

    def __init__(self, username: str, password: str) -> None:
        self._basic = httpx2.BasicAuth(username, password)
        self._digest = httpx2.DigestAuth(username, password)
        self._asked_for_digest = False

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        if not self._asked_for_digest:
            response = yield from _first(self._basic, request)
            offered = [each.lower() for each in response.headers.get_list("www-authenticate")]
            if response.status_code != 401 or any(each.startswith("basic") for each in offered):
                return
            if not any(each.startswith("digest ") for each in offered):
                return
            self._asked_for_digest = True
            request.headers.pop("Authorization", None)
        try:
            yield from self._digest.auth_flow(request)
        except (NotImplementedError, ValueError, LookupError) as error:
            raise httpx2.RemoteProtocolError("a challenge that cannot be met", request=request) from error


def _first(auth: httpx2.Auth, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, httpx2.Response]:
    response = yield next(auth.auth_flow(request))
    return response
