"""The account that an embedded PostgreSQL runs under, because PostgreSQL refuses to be root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ml_core.errors import EmbeddedPostgresError

# In a user namespace root is shown to PostgreSQL as an ordinary user, while files stay root's.
NAMESPACE_COMMAND = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True, kw_only=True)
class ServerAccount:
    """How to run PostgreSQL's programs so that they own their folder and are not root."""

    owner_id: int
    group_id: int
    prefix: tuple[str, ...] = ()

    def adopt(self, path: Path) -> None:
        """Hand a file or folder of ours to this account; nothing above it is touched."""
        found = path.stat()
        if (found.st_uid, found.st_gid) != (self.owner_id, self.group_id) and os.geteuid() == 0:
            os.chown(path, self.owner_id, self.group_id)

    def require_access(self, folder: Path) -> None:
        """Name the folder that bars the way, where PostgreSQL would only say that something failed."""
        if self.prefix and self._run("test", "-x", str(folder)) != 0:
            raise EmbeddedPostgresError(
                f"the account {_account_name(self.owner_id)} that PostgreSQL runs under cannot enter "
                f"{folder}: set ML_HEALTH_HOME (or PGBIN) to a folder that it can enter, "
                "or run as an ordinary user"
            )

    def _run(self, *command: str) -> int:
        return subprocess.run([*self.prefix, *command], capture_output=True, check=False).returncode


def choose_account(folder: Path) -> ServerAccount:
    """The account for a server whose files are in `folder`: its owner, and never root itself.

    An ordinary user is that account. Root keeps its own files through a user namespace where the
    kernel allows one; else, or where an ordinary user owns the folder, it becomes that user.
    """
    owner = folder.stat()
    if os.geteuid() != 0:
        return _ordinary_account(folder, owner.st_uid)
    if owner.st_uid != 0:
        return _switched_account(owner.st_uid, owner.st_gid)
    if _namespace_works():
        return ServerAccount(owner_id=0, group_id=0, prefix=NAMESPACE_COMMAND)
    account = _unprivileged_account()
    _hand_over(folder, account)
    return account


def _ordinary_account(folder: Path, owner_id: int) -> ServerAccount:
    if owner_id != os.geteuid():
        raise EmbeddedPostgresError(
            f"{folder} belongs to {_account_name(owner_id)}: run as that user, or set ML_HEALTH_HOME elsewhere"
        )
    return ServerAccount(owner_id=owner_id, group_id=os.getegid())


def _namespace_works() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*NAMESPACE_COMMAND, "true"], capture_output=True, check=False).returncode == 0


def _unprivileged_account() -> ServerAccount:
    for name in UNPRIVILEGED_ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return _switched_account(found.pw_uid, found.pw_gid)
    raise EmbeddedPostgresError(
        "PostgreSQL refuses to run as root, user namespaces are not allowed here and there is no account "
        f"{' or '.join(UNPRIVILEGED_ACCOUNTS)}: run as an ordinary user"
    )


def _switched_account(owner_id: int, group_id: int) -> ServerAccount:
    setpriv = ("setpriv", f"--reuid={owner_id}", f"--regid={group_id}", "--clear-groups", "--")
    if shutil.which("setpriv"):
        return ServerAccount(owner_id=owner_id, group_id=group_id, prefix=setpriv)
    # su takes one shell command: the shell hands its own arguments on unchanged.
    switch = ("su", "-s", "/bin/sh", _account_name(owner_id), "-c", 'exec "$@"', "--", "sh")
    return ServerAccount(owner_id=owner_id, group_id=group_id, prefix=switch)


def _hand_over(folder: Path, account: ServerAccount) -> None:
    for path in (folder, *folder.rglob("*")):
        account.adopt(path)


def _account_name(owner_id: int) -> str:
    try:
        return pwd.getpwuid(owner_id).pw_name
    except KeyError:
        return f"user {owner_id}"
