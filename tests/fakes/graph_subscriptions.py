"""Subscriptions to changes: validated before they are made, and told of changes, by POSTs to their addresses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import quote
from uuid import uuid4

import httpx2
from whenever import Instant

from kalends.ports import Clock
from tests.fakes.graph_mailbox import Json, Mailbox, Refused

LONGEST_MINUTES = 10_080
Deliver = Callable[[str, Json | None], Awaitable[tuple[int, str]]]


@dataclass
class Subscriptions:
    """All subscriptions.

    Attributes:
        known: by id, as they were asked for, with their owner under "owner".
        carrier: who carries what is told, on which loop; None: HTTP from here.
        told: what was told so far.
        idle: nobody is being told.
    """

    clock: Clock
    known: dict[str, Json] = field(default_factory=dict)
    carrier: tuple[Deliver, asyncio.AbstractEventLoop] | None = None
    told: list[Json] = field(default_factory=list)
    idle: threading.Event = field(default_factory=threading.Event)
    _under_way: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.idle.set()

    async def add(self, owner: Mailbox, given: Json) -> Json:
        """Make a subscription, once its address has answered with the validation token."""
        until = Instant.parse_iso(given["expirationDateTime"])
        now = self.clock()
        if not now < until <= now.add(minutes=LONGEST_MINUTES) or len(given["clientState"]) > 128:
            raise Refused(400, "InvalidRequest")
        token = f"Validation: Testing client {uuid4().hex} <&>"
        joint = "&" if "?" in given["notificationUrl"] else "?"
        try:
            status, text = await self._send(f"{given['notificationUrl']}{joint}validationToken={quote(token)}", None)
        except httpx2.HTTPError:
            status, text = 0, ""
        if (status, text) != (200, token):
            raise Refused(400, "ValidationError")
        subscription = {**given, "id": str(uuid4())}
        self.known[subscription["id"]] = {**subscription, "owner": owner}
        return {key: value for key, value in subscription.items() if key != "clientState"}

    def change(self, owner: Mailbox, name: str, given: Json, method: str) -> Json | None:
        """Renew a subscription, or end it."""
        found = self.known.get(name)
        if not found or found["owner"] is not owner:
            raise Refused(404, "ResourceNotFound")
        if method == "DELETE":
            del self.known[name]
            return None
        found.update(given)
        return {key: value for key, value in found.items() if key not in ("owner", "clientState")}

    def tell(self, loop: asyncio.AbstractEventLoop, owner: Mailbox, changes: Iterable[tuple[str, str]]) -> None:
        """Tell whom it concerns, from the server's loop."""
        now = self.clock()
        for calendar, event in changes:
            for one in list(self.known.values()):
                whole = one["resource"].strip("/") == "me/events"
                mine = one["owner"] is owner and (whole or f"/{quote(calendar, safe='')}/" in one["resource"])
                if mine and now < Instant.parse_iso(one["expirationDateTime"]):
                    self._count(1)
                    asyncio.run_coroutine_threadsafe(self._tell(one, owner, event), loop)

    async def _tell(self, one: Json, owner: Mailbox, event: str) -> None:
        gone = event not in owner.events
        notification = {
            "subscriptionId": one["id"],
            "subscriptionExpirationDateTime": one["expirationDateTime"],
            "clientState": one["clientState"],
            "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
            "changeType": "deleted" if gone else "updated",
            "resource": f"Users/{owner.id}/Events/{event}",
            "resourceData": {"@odata.type": "#Microsoft.Graph.Event", "id": event},
        }
        try:
            await self._send(one["notificationUrl"], {"value": [notification]})
            self.told.append(notification)
        except httpx2.HTTPError:
            pass  # Graph would try again for hours
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            self._under_way += change
            (self.idle.clear if self._under_way else self.idle.set)()

    async def _send(self, address: str, body: Json | None) -> tuple[int, str]:
        if self.carrier:
            send, loop = self.carrier
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_as_coroutine(send, address, body), loop))
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as client:
            if body is None:
                answer = await client.post(address, headers={"Content-Type": "text/plain"})
            else:
                answer = await client.post(address, json=body)
        return answer.status_code, answer.text


async def _as_coroutine(send: Deliver, address: str, body: Json | None) -> tuple[int, str]:
    return await send(address, body)
