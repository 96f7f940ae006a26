"""A Microsoft account on the fake Graph, as the tests of its adapter use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kalends.ports import Credential
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_mailbox import Mailbox
from tests.fakes.graph_other import GraphOther
from tests.integrations.conformance import OWNER, Bench


def bench_of(graph: FakeGraph) -> Bench:
    """Make an account with an empty calendar."""
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


def mailbox_of(graph: FakeGraph) -> Mailbox:
    """Find the one account there is."""
    (mailbox,) = graph.accounts.values()
    return mailbox
