"""The embedded PostgreSQL, shown on real processes that come, go and are killed."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from kalends.storage import embedded
from kalends.storage.embedded import account, cluster, postmaster, programs
from kalends.storage.embedded.server import short_path

# Joins the server, says where it is, and leaves when its stdin ends.
HOLDER = """
import sys
from pathlib import Path
from kalends.storage import embedded
with embedded.running(Path(sys.argv[1])) as server:
    print(server.conninfo, flush=True)
    sys.stdin.read()
"""

# Joins, writes one row after the other, and says which number was committed.
WRITER = """
import sys
from pathlib import Path
import psycopg
from kalends.storage import embedded
with embedded.running(Path(sys.argv[1])) as server, psycopg.connect(server.conninfo, autocommit=True) as conn:
    conn.execute("CREATE TABLE IF NOT EXISTS written (number bigint PRIMARY KEY)")
    for number in range(10**9):
        conn.execute("INSERT INTO written VALUES (%s)", [number])
        print(number, flush=True)
"""

Run = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    kill(*processes(tmp_path / "data"))


@pytest.fixture
def run(data_dir: Path) -> Iterator[Run]:
    """Start a Python program on the data folder, in a process group of its own; killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str) -> subprocess.Popen[str]:
        command, pipe = [sys.executable, "-c", program, str(data_dir)], subprocess.PIPE
        env = os.environ | {"TMPDIR": own}
        started.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env, start_new_session=True))
        return started[-1]

    with tempfile.TemporaryDirectory() as own:  # what a killed process leaves there goes with it
        yield start
        for child in started:
            child.kill()
            child.communicate()


def processes(data_dir: Path) -> list[int]:
    """Find the processes that work in the cluster's folder."""
    folder = data_dir / "postgres" / "cluster"
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if folder.samefile(process / "cwd"):
                found.append(int(process.name))
    return found


def kill(*pids: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def listening(data_dir: Path) -> int | None:
    with short_path(cluster.at(data_dir).folder) as folder:
        return postmaster.listener(folder / cluster.at(data_dir).socket.name)


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def leave(child: subprocess.Popen[str]) -> None:
    child.communicate(timeout=20)
    assert child.returncode == 0


def until(what: Callable[[], bool], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def ask(conninfo: str, query: str) -> object:
    with psycopg.connect(conninfo, autocommit=True) as conn:
        cursor = conn.execute(query.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def test_a_second_start_finds_what_the_first_one_wrote(data_dir: Path) -> None:
    with embedded.running(data_dir) as server:
        ask(server.conninfo, "CREATE TABLE kept AS SELECT 41 + 1 AS answer")
    assert processes(data_dir) == []

    with embedded.running(data_dir) as server:
        assert ask(server.conninfo, "SELECT answer FROM kept") == 42


def test_the_last_of_two_processes_to_leave_stops_the_server(data_dir: Path, run: Run) -> None:
    first, second = run(HOLDER), run(HOLDER)
    of_first, of_second = line(first), line(second)
    began = "SELECT pg_postmaster_start_time()"

    assert (since := ask(of_first, began)) == ask(of_second, began)
    leave(first)
    assert ask(of_second, began) == since
    leave(second)
    assert processes(data_dir) == []


def test_first_starts_at_once_make_one_cluster(data_dir: Path, run: Run) -> None:
    holders = [run(HOLDER) for _ in range(4)]

    identifiers = {ask(line(holder), "SELECT system_identifier FROM pg_control_system()") for holder in holders}

    assert len(identifiers) == 1
    for holder in holders:
        leave(holder)
    assert [path.name for path in data_dir.glob("postgres/*/")] == ["cluster"]


def test_starting_and_stopping_at_once_never_meet_half_way(data_dir: Path) -> None:
    def come_and_go(_: int) -> object:
        with embedded.running(data_dir) as server:
            return ask(server.conninfo, "SELECT 1")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(come_and_go, range(40))) == [1] * 40
    assert processes(data_dir) == []


def test_a_killed_holder_leaves_a_server_that_the_next_one_shares_and_stops(data_dir: Path, run: Run) -> None:
    holder = run(HOLDER)
    line(holder)
    before = listening(data_dir)
    holder.kill()
    holder.communicate(timeout=5)  # the server does not keep the caller's pipes open

    with embedded.running(data_dir):
        assert listening(data_dir) == before
    assert processes(data_dir) == []


def test_a_killed_postmaster_is_started_again_and_no_commit_is_lost(data_dir: Path) -> None:
    with embedded.running(data_dir) as server:
        ask(server.conninfo, "CREATE TABLE kept AS SELECT 7 AS answer")
        before = listening(data_dir)
        assert before is not None
        kill(before)

        with ThreadPoolExecutor(4) as pool:  # everybody notices at once
            list(pool.map(lambda _: server.ensure_running(), range(4)))

        assert listening(data_dir) != before
        assert ask(server.conninfo, "SELECT answer FROM kept") == 7


def test_a_backend_that_outlives_its_postmaster_is_ended(data_dir: Path) -> None:
    with embedded.running(data_dir) as server, ThreadPoolExecutor(1) as pool:
        endless = pool.submit(ask, server.conninfo, "SELECT count(*) FROM generate_series(1, 1000000000)")
        busy = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%generate_series(1, %' AND pid <> pg_backend_pid()"
        until(lambda: ask(server.conninfo, busy) is not None)
        stray, before = ask(server.conninfo, busy), listening(data_dir)
        assert before is not None
        kill(before)

        server.ensure_running()

        assert stray not in processes(data_dir)
        assert isinstance(endless.exception(), psycopg.OperationalError)


@pytest.mark.parametrize("whom", ["the program's group", "the program's group and the whole server"])
def test_every_row_said_to_be_committed_survives_kill_9(data_dir: Path, run: Run, whom: str) -> None:
    writer = run(WRITER)
    until(lambda: int(line(writer)) >= 300)

    os.killpg(writer.pid, signal.SIGKILL)
    if whom.endswith("server"):
        kill(*processes(data_dir))
    committed = 1 + int(writer.communicate(timeout=5)[0].split()[-1])

    with embedded.running(data_dir) as server:
        rows = ask(server.conninfo, "SELECT count(*) FROM written")
        recovered = "automatic recovery in progress" in cluster.at(data_dir).log.read_text()
    assert rows in (committed, committed + 1)  # the last one may have been killed before it could say so
    assert recovered == whom.endswith("server")
    assert processes(data_dir) == []


def test_a_stale_pid_file_that_names_a_living_stranger_harms_nobody(data_dir: Path) -> None:
    with embedded.running(data_dir) as server:
        ask(server.conninfo, "CREATE TABLE kept AS SELECT 7 AS answer")
        files = [cluster.at(data_dir).folder / name for name in ("postmaster.pid", ".s.PGSQL.5432.lock")]
        written = [file.read_text() for file in files]
    owner = cluster.at(data_dir).account
    same_user = owner.uid if owner.is_another else None  # the worst case
    with subprocess.Popen(["sleep", "60"], user=same_user) as stranger:
        for file, text in zip(files, written, strict=True):
            file.write_text(f"{stranger.pid}\n" + text.split("\n", 1)[1])
            os.chown(file, owner.uid, owner.gid)

        with embedded.running(data_dir) as server:
            assert ask(server.conninfo, "SELECT answer FROM kept") == 7

        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("whom", ["kalends", "everything"])
def test_an_interrupted_first_start_is_done_again(data_dir: Path, run: Run, whom: str) -> None:
    home = data_dir / "postgres"
    holder = run(HOLDER)
    until(lambda: any(home.glob("initdb-*/PG_VERSION")))
    (os.killpg if whom == "everything" else os.kill)(holder.pid, signal.SIGKILL)
    holder.wait()
    assert not home.joinpath("cluster").exists()

    with embedded.running(data_dir) as server:
        assert ask(server.conninfo, "SELECT 1") == 1
    assert processes(data_dir) == []


def test_the_server_does_not_hear_the_ctrl_c_meant_for_kalends(data_dir: Path, run: Run) -> None:
    holder = run(HOLDER)
    line(holder)
    with embedded.running(data_dir) as server:
        before = listening(data_dir)

        os.killpg(holder.pid, signal.SIGINT)
        holder.wait(timeout=20)

        assert ask(server.conninfo, "SELECT 1") == 1
        assert listening(data_dir) == before


def test_told_to_leave_before_its_server_listens_it_takes_it_along(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = postmaster._launch

    def launch_and_leave(where: cluster.Cluster, life: int) -> None:
        launch(where, life)
        raise KeyboardInterrupt

    monkeypatch.setattr(postmaster, "_launch", launch_and_leave)

    with pytest.raises(KeyboardInterrupt), embedded.running(data_dir):
        """It is left before it begins."""

    assert processes(data_dir) == []


def test_only_a_socket_in_a_private_folder_leads_in_and_only_by_peer(data_dir: Path) -> None:
    with embedded.running(data_dir) as server:
        socket = cluster.at(data_dir).socket
        rules = "SELECT string_agg(concat_ws(' ', type, auth_method), ',') FROM pg_hba_file_rules"
        as_superuser = server.conninfo.replace("kalends@", "postgres@")

        assert stat.S_ISSOCK(socket.stat().st_mode)
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert ask(server.conninfo, "SHOW listen_addresses") == ""
        assert ask(as_superuser, rules) == "local peer"
        assert ask(server.conninfo, "SELECT usesuper FROM pg_user WHERE usename = current_user") is False


def test_the_servers_log_quotes_no_row(data_dir: Path) -> None:
    with embedded.running(data_dir) as server:
        ask(server.conninfo, "CREATE TABLE person AS SELECT 'ada@acme.test' AS email")
        ask(server.conninfo, "CREATE UNIQUE INDEX ON person (email)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            ask(server.conninfo, "INSERT INTO person VALUES ('ada@acme.test')")

    log = (data_dir / "postgres" / "postgres.log").read_text()
    assert "duplicate key value violates unique constraint" in log
    assert "ada@acme.test" not in log


@pytest.mark.parametrize("given", [None, 0o750])
def test_no_folder_that_was_there_before_changes(data_dir: Path, given: int | None) -> None:
    def modes() -> dict[Path, tuple[int, int, int]]:
        stats = {path: path.stat() for path in (*data_dir.parents, programs.package())}
        return {path: (s.st_mode, s.st_uid, s.st_gid) for path, s in stats.items()}

    data_dir.parent.chmod(0o700)  # the server's user must not be able to walk here
    if given:
        data_dir.mkdir(mode=given)
    before = modes()

    with embedded.running(data_dir):
        pass

    assert modes() == before
    assert stat.S_IMODE(data_dir.stat().st_mode) == (given or 0o700)


@pytest.mark.parametrize("name", ["long" * 40, "comma, and space", "per%20cent&host=x#y"])
def test_any_name_of_the_data_folder_will_do(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name

    with embedded.running(folder) as server:
        assert ask(server.conninfo, "SELECT 1") == 1
        pg_dump = subprocess.run([embedded.binary("pg_dump"), server.conninfo], capture_output=True, text=True)
        with sqlalchemy.create_engine(server.conninfo.replace(":", "+psycopg:", 1)).connect() as conn:
            assert conn.scalar(sqlalchemy.text("SELECT current_database()")) == "kalends"
        conn.engine.dispose()

    assert "PostgreSQL database dump complete" in pg_dump.stdout
    assert processes(folder) == []


def test_a_cluster_of_another_version_is_left_alone_and_named(data_dir: Path) -> None:
    version = data_dir / "postgres" / "cluster" / "PG_VERSION"
    version.parent.mkdir(parents=True)
    version.write_text("16\n")

    with pytest.raises(embedded.EmbeddedServerError, match=r"made by PostgreSQL 16.* brings PostgreSQL 18"):
        embedded.running(data_dir).__enter__()
    assert list(version.parent.iterdir()) == [version]


def test_a_server_that_cannot_start_says_what_it_wrote_last(data_dir: Path) -> None:
    with embedded.running(data_dir):
        pass
    (data_dir / "postgres" / "cluster" / "global" / "pg_control").unlink()

    with pytest.raises(embedded.EmbeddedServerError, match=r"(?s)ended while it was starting.*pg_control"):
        embedded.running(data_dir).__enter__()


def test_no_process_of_the_server_runs_as_root(data_dir: Path) -> None:
    with embedded.running(data_dir):
        owners = set()
        for pid in processes(data_dir):
            with suppress(OSError):  # some are short-lived; of one that ends /proc says that it were root's
                owners.add(int(Path(f"/proc/{pid}/status").read_text().split("Uid:")[1].split()[0]))

    assert owners == {account.of().uid} != {0}


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Make a folder that every user of the machine can walk through (pytest's own are private)."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


if os.geteuid() == 0:  # nobody else can lend the server an account

    @pytest.mark.parametrize("reachable", ["the data folder", "the machine's cache"])
    def test_programs_that_its_user_cannot_reach_are_copied(
        tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch, reachable: str
    ) -> None:
        tmp_path.joinpath("site").symlink_to(programs.package().parent)
        hidden = tmp_path / "site" / programs.PACKAGE
        monkeypatch.setattr(programs, "package", lambda: hidden)
        monkeypatch.setattr(programs, "MACHINE_CACHE", open_folder / "cache")
        data = (open_folder if reachable == "the data folder" else tmp_path) / "data"
        data.mkdir(mode=0o755)

        for _ in range(2):  # the second start takes the copy that is there
            with embedded.running(data) as server:
                assert ask(server.conninfo, "SELECT 1") == 1

        copies = open_folder.glob(f"**/{programs.WHEEL}-*")
        where = data / "postgres" if reachable == "the data folder" else open_folder / "cache"
        assert [copy.parent for copy in copies] == [where]

    def test_an_ordinary_user_runs_it_as_himself_and_root_may_join(
        open_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nobody = account.of()
        readable = programs.for_server(nobody, open_folder).parents[1]  # a copy if he cannot read the wheel
        monkeypatch.setattr(programs, "package", lambda: readable)
        data = open_folder / "data"
        data.mkdir(mode=0o700)
        os.chown(data, nobody.uid, nobody.gid)
        leave, left = os.pipe()
        ready, joined = os.pipe()

        # A fork keeps the interpreter, which that user may not be able to read, and everything imported so far.
        if (child := os.fork()) == 0:
            status = 1
            try:
                os.close(left)
                os.setgroups([])
                os.setgid(nobody.gid)
                os.setuid(nobody.uid)
                with embedded.running(data) as server:
                    ask(server.conninfo, "CREATE TABLE kept AS SELECT 7 AS answer")
                    os.write(joined, b"!")
                    os.read(leave, 1)
                status = 0
            finally:
                os._exit(status)
        os.close(joined)
        os.read(ready, 1)
        with embedded.running(data) as server:
            os.close(left)
            assert os.waitpid(child, 0)[1] == 0
            assert ask(server.conninfo, "SELECT answer FROM kept") == 7

        assert processes(data) == []
        assert {path.stat().st_uid for path in data.rglob("*")} == {nobody.uid}
