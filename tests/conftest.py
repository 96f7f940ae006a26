"""The real parts all tests share: one migrated PostgreSQL a run, an App on it, a mailer that keeps what it gets.

Tests never clean up: each makes a company of its own, and companies do not see each other.
"""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kalends.app import App
from kalends.ports import OutgoingMail
from kalends.storage import database, embedded, migrations
from kalends.storage.database import Connection
from kalends.storage.secret_box import SecretBox

if TYPE_CHECKING:
    from tests.fakes.google import FakeGoogle
from tests import databases
from tests.fakes.graph import FakeGraph

# A shell in whose background the tests run, or nohup, lets them and all programs they start ignore these signals. A
# handler that does nothing is no more to the tests, but is not handed on to programs.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)

_LONGEST_FIRST = ("contract", "cli")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that at the end no worker waits for the other."""
    items.sort(key=lambda item: item.path.parent.name not in _LONGEST_FIRST)


class Outbox:
    """A Mailer that keeps the mails in `mails`."""

    def __init__(self) -> None:
        self.mails: list[OutgoingMail] = []

    async def send(self, mail: OutgoingMail) -> None:
        self.mails.append(mail)


@pytest.fixture(scope="session")
def server_conninfo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name the server: KALENDS_TEST_DATABASE_URL (`make test-pg`), else an embedded one all workers share."""
    with ExitStack() as stack:
        given = os.environ.get("KALENDS_TEST_DATABASE_URL")
        if given:
            yield given
            return
        base = tmp_path_factory.getbasetemp()
        shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
        yield stack.enter_context(embedded.running(Path(shared) / "data")).conninfo


@pytest.fixture(scope="session")
def conninfo(server_conninfo: str) -> Iterator[str]:
    """Make one migrated database for this worker, dropped at the end."""
    name = f"kalends_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    with databases.empty(server_conninfo, name) as own:
        migrations.upgrade(own)
        yield own


@pytest.fixture(scope="session")
def running_google() -> Iterator["FakeGoogle"]:
    from tests.fakes.google import FakeGoogle

    with FakeGoogle.running() as running:
        yield running


@pytest.fixture
def google(running_google: "FakeGoogle") -> Iterator["FakeGoogle"]:
    """Lend a Google of our own in which nobody has an account yet (tests/fakes/google.py)."""
    running_google.reset()
    yield running_google
    running_google.reset()


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
async def app(conninfo: str, outbox: Outbox) -> AsyncIterator[App]:
    """Open an App on the test database; what it commits stays."""
    app = App(
        pool=database.pool(conninfo, min_size=1, max_size=12),
        mailer=outbox,
        base_url="http://kalends.test",
        mail_from="kalends <no-reply@kalends.test>",
        box=SecretBox(lambda: b"known to all tests"),
    )
    await app.open()
    yield app
    await app.aclose()


@pytest.fixture
async def conn(app: App) -> AsyncIterator[Connection]:
    """Lend one connection in a transaction that is rolled back."""
    async with app.pool.connection() as connection, connection.transaction(force_rollback=True):
        yield connection


@pytest.fixture
def graph() -> Iterator[FakeGraph]:
    """Run a Microsoft Graph that is not Microsoft's."""
    with FakeGraph() as running:
        yield running
