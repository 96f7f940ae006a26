"""Microsoft: the suite all providers pass, on a fake Graph, and what is Microsoft's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kalends.ports import Credential
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_other import GraphOther
from tests.integrations.conformance import OWNER, Bench, CalendarConformance


@pytest.fixture
async def bench(graph: FakeGraph) -> Bench:
    mailbox = graph.account(OWNER)
    credential = graph.credential(mailbox)

    async def refused() -> Credential:
        graph.login.revoke(mailbox)
        return credential

    @asynccontextmanager
    async def outage() -> AsyncIterator[Credential]:
        with graph.outage():
            yield credential

    return Bench(
        provider=graph.provider(),
        credential=credential,
        calendar="Calendar",
        other=GraphOther(graph, mailbox),
        outage=outage,
        refused=refused,
    )


class TestMicrosoft(CalendarConformance):
    """The suite."""
