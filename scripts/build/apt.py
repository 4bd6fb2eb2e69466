"""Packages of the system, installed by apt-get if this user may."""

import os
import shutil
import subprocess
from collections.abc import Sequence

Command = Sequence[str]


def as_root() -> Command | None:
    """Return what makes a command run as root without a question; None if nothing does."""
    if os.geteuid() == 0:
        return ()
    if not shutil.which("sudo"):
        return None
    may = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    return ("sudo", "-n") if may else None


def installing(packages: Sequence[str], root: Command) -> list[Command]:
    """Return the commands that install packages without what they only recommend."""
    apt = (*root, "apt-get", "-qq")
    return [(*apt, "update"), (*apt, "install", "--yes", "--no-install-recommends", *packages)]


def carry_out(commands: Sequence[Command]) -> bool:
    """Run commands in their order, and tell each; False as soon as one fails."""
    for command in commands:
        print(" ".join(command), flush=True)
        done = subprocess.run(command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, check=False)
        if done.returncode:
            print(f"That failed with {done.returncode}.", flush=True)
            return False
    return True
