from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil
import psycopg2
import pytest

import ml_core
from ml_core.adapters.embedded.binaries import (
    DISTRIBUTION_FOLDER,
    PostgresBinaries,
    find_binaries,
    inspect_binaries,
)
from ml_core.adapters.embedded.embedded_postgres import EmbeddedPostgres
from ml_core.errors import EmbeddedPostgresError

ORDINARY_USER_ID = 65534
START = """
import sys
from pathlib import Path
from ml_core.adapters.embedded.embedded_postgres import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1]), durable=False).start())
"""


def distribution_15() -> PostgresBinaries:
    """The distribution's PostgreSQL 15, where it is installed."""
    folder = DISTRIBUTION_FOLDER / "15" / "bin"
    if not (folder / "initdb").exists():
        pytest.skip("the distribution's postgresql-15 is not installed")
    return inspect_binaries(folder)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of this test's own, not started; stopped and removed at the end."""
    made = EmbeddedPostgres(tmp_path / "home", durable=False)
    yield made
    discard(made)


def discard(server: EmbeddedPostgres) -> None:
    """Stop a server and remove its files, which pytest would keep for three runs."""
    server.stop()
    shutil.rmtree(server.folder.path, ignore_errors=True)


def wait_for(happened: Callable[[], object]) -> None:
    """Until it is so, half a minute at most."""
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def names_folder(path: Path) -> bool:
    """Whether any process was started for this folder."""
    return any(
        str(path) in word for process in psutil.process_iter(["cmdline"]) for word in process.info["cmdline"] or ()
    )


def ask(url: str, question: str) -> object:
    """The one value that a query answers."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cur:
        cur.execute(question)
        (answer,) = cur.fetchone() or (None,)
    return answer


@pytest.mark.parametrize("choose", [find_binaries, distribution_15])
def test_a_started_server_answers_and_keeps_its_port_and_rows(choose, tmp_path: Path) -> None:
    """Start, stop and start again with either version: same address, same rows."""
    binaries = choose()
    server = EmbeddedPostgres(tmp_path, binaries=binaries)
    try:
        first = server.start()
        with closing(psycopg2.connect(first)) as connection, connection, connection.cursor() as cur:
            cur.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        server.stop()
        stopped = server.status()
        second = server.start()

        assert (stopped.running, stopped.pid, stopped.port) == (False, None, None)
        assert first == second
        assert ask(second, "SELECT answer FROM kept") == 42
        assert str(ask(second, "SHOW server_version")).startswith(str(binaries.major))
        assert ask(second, "SHOW fsync") == "on"
    finally:
        discard(server)


def test_starting_twice_gives_the_same_server(server: EmbeddedPostgres) -> None:
    """A second start finds the running server and returns its URL."""
    url = server.start()
    pid = server.status().pid

    assert server.start() == url
    assert server.status().pid == pid
    assert server.status().running


def test_processes_that_start_at_once_share_one_server(server: EmbeddedPostgres) -> None:
    """Four processes racing for a fresh home get one server and one URL."""
    command = [sys.executable, "-c", START, str(server.folder.path.parent)]

    def start(_number: int) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    with ThreadPoolExecutor(4) as threads:
        urls = set(threads.map(start, range(4)))

    assert urls == {server.url()}


def test_a_killed_server_starts_again_at_once(server: EmbeddedPostgres) -> None:
    """After kill -9 of the postmaster a start recovers what was committed, though old processes linger."""
    url = server.start()
    with closing(psycopg2.connect(url)) as busy:
        with busy, busy.cursor() as cur:
            cur.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        pid = server.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        again = server.start()

    assert ask(again, "SELECT answer FROM kept") == 42
    assert server.status().pid != pid


def test_a_pid_file_that_names_another_program_is_no_server(server: EmbeddedPostgres) -> None:
    """After a reboot or in a new container the old pid may be anybody's: here it is this test's own."""
    server.start()
    pid_file = server.folder.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    assert not server.status().running
    assert ask(server.start(), "SELECT 1") == 1


def test_a_taken_port_is_given_up(server: EmbeddedPostgres, tmp_path: Path) -> None:
    """Another program on the remembered port moves the server to another one."""
    server.start()
    server.stop()
    other = EmbeddedPostgres(tmp_path / "other", durable=False)
    other.folder.create()
    other.folder.keep_port(int((server.folder.path / "port").read_text()))
    try:
        other.start()
        server.start()

        assert server.status().port != other.status().port
        assert ask(server.url(), "SELECT 1") == 1
    finally:
        discard(other)


def test_passwords_are_private_and_needed(server: EmbeddedPostgres) -> None:
    """Passwords lie in files of mode 0600 in a folder of mode 0700, and a wrong one is refused."""
    url = server.start()
    password = server.folder.read_password("owner")

    modes = [stat.S_IMODE(path.stat().st_mode) for path in server.folder.path.glob("password-*")]
    assert modes == [0o600]
    assert stat.S_IMODE(server.folder.path.stat().st_mode) == 0o700
    assert password not in server.folder.log.read_text()
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(url.replace(password, "guessed"))


def test_only_loopback_is_listened_on(server: EmbeddedPostgres) -> None:
    """Nobody reaches the server from another machine or through a socket file."""
    url = server.start()

    assert ask(url, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(url, "SHOW unix_socket_directories") == ""


def test_the_reader_gets_a_login_of_its_own(server: EmbeddedPostgres) -> None:
    """Grafana's role logs in with its own password and is no superuser; asking again changes nothing."""
    server.start()
    url = server.url("reader")

    assert ask(url, "SELECT current_user::text") == "ml_health_reader"
    assert ask(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert server.url("reader") == url


def test_data_of_another_major_version_is_refused(server: EmbeddedPostgres) -> None:
    """Both versions are named, and the data stays as it was."""
    server.start()
    server.stop()
    version_file = server.folder.data / "PG_VERSION"
    version_file.write_text("14\n")

    with pytest.raises(EmbeddedPostgresError, match=rf"made by PostgreSQL 14.*{server.binaries.version}"):
        server.start()
    assert version_file.read_text() == "14\n"


def test_a_start_that_fails_names_the_log(server: EmbeddedPostgres) -> None:
    """A damaged configuration: the error says where to look, and nothing runs."""
    server.start()
    server.stop()
    configuration = server.folder.data / "postgresql.conf"
    text = configuration.read_text()
    configuration.write_text("no_such_setting = on\n" + text)

    with pytest.raises(EmbeddedPostgresError, match=str(server.folder.log)):
        server.start()
    assert not server.status().running


def test_a_start_right_after_a_killed_first_one_succeeds(server: EmbeddedPostgres) -> None:
    """The killed starter's `initdb` writes on for a while: it stands in nobody's way, and is swept in the end."""
    starter = subprocess.Popen([sys.executable, "-c", START, str(server.folder.path.parent)], stdout=subprocess.DEVNULL)
    wait_for(lambda: list(server.folder.path.glob("data*.new/base")))
    starter.kill()
    starter.wait()

    assert ask(server.start(), "SELECT 1") == 1
    server.stop()
    wait_for(lambda: not names_folder(server.folder.path))
    server.start()
    assert list(server.folder.path.glob("data*.new")) == []


def test_the_url_of_a_stopped_server_says_how_to_start_it(server: EmbeddedPostgres) -> None:
    """Asking for the address before a start is told what to do."""
    with pytest.raises(EmbeddedPostgresError, match="ml-health db start"):
        server.url()


def test_programs_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A PGBIN without PostgreSQL in it is an error that names it, never a silent other choice."""
    monkeypatch.setenv("PGBIN", str(tmp_path))

    with pytest.raises(EmbeddedPostgresError, match=f"{tmp_path}.*PGBIN"):
        find_binaries()


@pytest.mark.skipif(os.geteuid() != 0, reason="not run as root")
def test_root_keeps_its_files_usable(server: EmbeddedPostgres) -> None:
    """As root the server starts, and all its files belong to one account that can start it again."""
    server.start()
    owners = {path.stat().st_uid for path in server.folder.path.rglob("*")}

    assert len(owners) == 1
    assert ask(server.start(), "SELECT 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("tool", ["setpriv", "su"])
def test_root_without_user_namespaces_becomes_somebody_else(tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no namespace is allowed, the server runs as an unprivileged account that owns its folder."""
    home = world_enterable_home()
    tools = home.parent / "tools"
    tools.mkdir()
    for name in (tool, "sh", "test", "cat"):
        (tools / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tools))
    server = EmbeddedPostgres(home, durable=False)
    try:
        url = server.start()
        pid = server.status().pid
        server.stop()

        assert pid is not None
        assert server.folder.path.stat().st_uid != 0
        assert ask(server.start(), "SELECT 1") == 1
        assert server.url() == url
        assert stat.S_IMODE(home.stat().st_mode) == 0o755
    finally:
        server.stop()
        shutil.rmtree(home.parent)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_folder_that_the_account_cannot_enter_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without namespaces a closed parent folder is told of, and its mode is left alone."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("setpriv", "sh", "test"):
        (tools / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tools))

    with pytest.raises(EmbeddedPostgresError, match=f"cannot enter {closed}"):
        EmbeddedPostgres(closed, durable=False).start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")
def test_an_ordinary_user_starts_a_server_and_root_finds_it() -> None:
    """An ordinary user needs no right of anybody's; root afterwards uses and stops the same server."""
    home = world_enterable_home()
    os.chown(home, ORDINARY_USER_ID, ORDINARY_USER_ID)
    python, environment = ordinary_python()
    server = EmbeddedPostgres(home, durable=False)
    try:
        url = as_ordinary_user(python, START, str(home), environment=environment)

        assert server.url() == url
        assert server.start() == url
        server.stop()
        assert as_ordinary_user(python, START, str(home), environment=environment) == url
    finally:
        server.stop()
        shutil.rmtree(home.parent)


def world_enterable_home() -> Path:
    """A home that every account can enter, which pytest's own temporary folders are not."""
    parent = Path(tempfile.mkdtemp(prefix="ml-health-home-"))
    parent.chmod(0o755)
    home = parent / "home"
    home.mkdir(mode=0o755)
    return home


def ordinary_python() -> tuple[str, dict[str, str]]:
    """A Python that an unprivileged account can run with our packages, else the test is skipped."""
    packages = os.pathsep.join([str(Path(psycopg2.__file__).parents[1]), str(Path(ml_core.__file__).parents[1])])
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1"}
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, shutil.which(version, path="/usr/bin"), f"/usr/local/bin/{version}"):
        if python and as_ordinary_user(python, "import psycopg2, ml_core; print(1)", environment=environment):
            return python, environment
    pytest.skip(f"an unprivileged account can run no {version} with this project's packages")


def as_ordinary_user(python: str, code: str, *arguments: str, environment: dict[str, str]) -> str:
    """What the code prints when run under an unprivileged account; empty when it cannot run."""
    account = [f"--reuid={ORDINARY_USER_ID}", f"--regid={ORDINARY_USER_ID}", "--clear-groups"]
    command = ["setpriv", *account, "--", python, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd="/")
    return done.stdout.strip()
