"""Show what pip fetches for an environment, so that minutes of it are not silent.

pip install -r requirements/local.txt | python -m scripts.build.progress requirements/local.txt

Runs before any environment is there, so it needs nothing but Python.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

#: The beginning of pip's line for the next package; the second if it is in a folder of this machine.
NEXT_PACKAGE = ("Collecting ", "Processing ")
#: pip's line for a large file that it downloads or has cached. Sizes of small files are in kB.
LARGE = re.compile(r"\s*(?:Downloading|Using cached) (\S+ \(\S+ MB\))")
UNPACKING = "Installing collected packages"


def shown(lines: Iterable[str], packages: int) -> Iterator[str]:
    """Yield what a person should see of pip's lines: files of 1 MB and more, and the last step."""
    package = 0
    for line in lines:
        package += line.startswith(NEXT_PACKAGE)
        found = LARGE.match(line)
        if found:
            yield f"  {package:3} of {packages}: {found[1]}"
        elif line.startswith(UNPACKING):
            yield f"  All {package} packages are here. To unpack them takes a while."


def packages_of(lock: str) -> int:
    """Return how many packages a lock names. Some of them may be for other machines."""
    return len(re.findall(r"^\S+==", lock, re.MULTILINE))


if __name__ == "__main__":
    for one in shown(sys.stdin, packages_of(Path(sys.argv[1]).read_text())):
        print(one, flush=True)
