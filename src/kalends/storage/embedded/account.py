"""Who the server runs as: PostgreSQL refuses to run as root, so root lends it an unprivileged account."""

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kalends.storage.embedded.errors import EmbeddedServerError

# An account of our own is better than one that other daemons share; `nobody` exists everywhere.
PREFERRED = ("kalends", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged user of this machine, by number and by name."""

    uid: int
    gid: int
    name: str

    @property
    def is_another(self) -> bool:
        """Tell whether this is somebody else than the user who runs kalends now."""
        return self.uid != os.geteuid()

    def run(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        text: str | None = None,
        output: int = subprocess.PIPE,
        pass_fds: Sequence[int] = (),
        new_session: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as this account and wait for it.

        Args:
            command: program (an absolute path, or a name of the system's own PATH) and arguments.
            cwd: entered before the change of user, so the account need not be allowed to walk there.
            text: what the command reads; by default nothing.
            output: file descriptor for both output streams; by default they are kept and returned as one.
            pass_fds: file descriptors the command inherits.
            new_session: keeps the signals of our terminal away from it.
        """
        # Nothing of the caller's PG… variables may reach a server or a tool of it.
        environment: Mapping[str, str] = {"PATH": os.defpath, "LC_ALL": "C"}
        change = self.is_another
        return subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=pass_fds,
            start_new_session=new_session,
            user=self.uid if change else None,
            group=self.gid if change else None,
            extra_groups=[] if change else None,
            text=True,
            check=False,
        )

    def may_run(self, program: Path) -> bool:
        """Tell whether this account can reach and execute a program, or enter a folder."""
        if not self.is_another:
            return os.access(program, os.X_OK)
        # Asked of the kernel, as that user: modes alone do not tell (access lists, mount options).
        return self.run(["test", "-x", program], cwd=Path("/")).returncode == 0


def of(*folders: Path) -> Account:
    """Choose the account for a cluster: ourselves, or as root whoever owns the first of the folders that has a
    named owner other than root, or else an account that exists for such things.

    Raises:
        EmbeddedServerError: the machine has no account that fits.
    """
    if os.geteuid() != 0:
        return _ourselves()
    for folder in folders:
        if folder.exists() and (uid := folder.stat().st_uid) != 0:
            try:
                return _account(pwd.getpwuid(uid))
            except KeyError:
                continue
    for name in PREFERRED:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise EmbeddedServerError(
        "PostgreSQL does not run as root, and this machine has no account named 'kalends' or 'nobody'. "
        "Create one (useradd --system kalends), or run kalends as an ordinary user."
    )


def _ourselves() -> Account:
    uid = os.geteuid()
    try:
        return _account(pwd.getpwuid(uid))
    except KeyError:
        raise EmbeddedServerError(
            f"The user with number {uid} has no name on this machine, and PostgreSQL wants one. "
            "Add it to /etc/passwd, or run kalends as a named user."
        ) from None


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=entry.pw_name)
