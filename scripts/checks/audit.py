"""Look for known vulnerabilities in what the locks install.

    python -m scripts.checks.audit requirements/api.txt …

pip-audit asks PyPI about each pinned version. It passes a package that it could not
ask about. Here such a package fails the audit, as does an acceptance that no longer
applies to any lock.
"""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = dict[str, Any]

#: The reason why a vulnerability does no harm here, by its id.
ACCEPTED: Mapping[str, str] = {}

PIP_AUDIT = (
    "-m",
    "pip_audit",
    "--disable-pip",
    "--require-hashes",
    "--progress-spinner=off",
    "--format=json",
)


class NotAudited(Exception):
    """pip-audit gave no report."""


def reported(lock: str) -> Json:
    """Return pip-audit's report on a lock. Raises NotAudited when there is none.

    The exit status does not help: it is 1 for findings and for a failure alike.
    """
    ran = subprocess.run(
        [sys.executable, *PIP_AUDIT, "--requirement", lock], capture_output=True, text=True, check=False
    )
    try:
        report: Json = json.loads(ran.stdout)
    except ValueError:
        last = ran.stderr.strip().splitlines()[-1:]
        raise NotAudited(f"{lock}: {' '.join(last) or 'pip-audit gave no report'}") from None
    return report


def objections(reports: Mapping[str, Json], accepted: Mapping[str, str] = ACCEPTED) -> Iterator[str]:
    found: dict[str, set[str]] = defaultdict(set)
    met: set[str] = set()
    for lock, report in reports.items():
        for package in report["dependencies"]:
            if "skip_reason" in package:
                found[f"{package['name']}: {package['skip_reason']}"].add(lock)
            for vulnerability in package.get("vulns", []):
                names = {vulnerability["id"], *vulnerability["aliases"]}
                met |= names
                if not names & accepted.keys():
                    found[_described(package, vulnerability)].add(lock)
    yield from (f"{what} ({', '.join(sorted(locks))})" for what, locks in sorted(found.items()))
    yield from (f"{name} is accepted, but no lock has it any more" for name in sorted(accepted.keys() - met))


def _described(package: Json, vulnerability: Json) -> str:
    fixed = ", ".join(vulnerability["fix_versions"]) or "no version"
    return f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in {fixed}"


def main(locks: Sequence[str]) -> int:
    try:
        found = list(objections({lock: reported(lock) for lock in locks}))
    except NotAudited as failure:
        found = [str(failure)]
    for objection in found:
        print(objection)
    print(f"{len(locks)} locks audited, {len(found)} objections")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
