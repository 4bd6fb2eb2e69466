"""Install poppler's commands for a benchmark, unless they are there: `python -m scripts.build.poppler`.

By apt-get, if this user may. Ends with 1 and says why if they cannot be had.
"""

import re
import shutil
import subprocess
import sys

from scripts.build.apt import as_root, carry_out, installing

COMMANDS = ("pdftotext", "pdftoppm")
PACKAGE = "poppler-utils"


def version() -> str | None:
    """Return the version of the commands on the PATH; None unless both are there, and are poppler's."""
    if not all(map(shutil.which, COMMANDS)):
        return None
    said = subprocess.run([COMMANDS[0], "-v"], capture_output=True, text=True, check=True).stderr
    found = re.search(r"version (\S+)\n.*Poppler", said)
    return found[1] if found else None


def main() -> None:
    root = as_root()
    if not version():
        if root is None or not shutil.which("apt-get"):
            sys.exit(
                f"There is no poppler, and {PACKAGE} needs apt-get, and root or sudo without a password."
            )
        carry_out(installing([PACKAGE], root))
    if not (found := version()):
        sys.exit("There is no poppler, and none could be installed: see the failure above.")
    print(f"Poppler: {found}")


if __name__ == "__main__":
    main()
