"""Show what a stage's functions and its API Gateway log, oldest first.

scripts/ops/logs.sh dev                     the last 15 minutes
scripts/ops/logs.sh dev --since 120         the last two hours
scripts/ops/logs.sh dev --find ID           only lines with the id of a request, an object or a trace
scripts/ops/logs.sh dev --follow            go on with new lines as they come
scripts/ops/logs.sh local                   the same for what `make run` runs
"""

import sys
import time
from datetime import datetime, timedelta

from scripts.ops import log_lines, stages

LOOK_SECONDS = 3
#: How far back lines are read if none are looked for.
RECENT = timedelta(minutes=15)
#: How long after its own timestamp a line may reach CloudWatch.
LATE = timedelta(minutes=1)


def main() -> int:
    """Return 0, or 1 if what was looked for is not there."""
    parser = stages.parser("logs", "Show what a stage logs.")
    log_lines.add_arguments(parser, "15, with --find a day, and on this machine the whole log")
    parser.add_argument("--find", metavar="TEXT", help="only lines with this text, such as an id")
    parser.add_argument("--follow", action="store_true", help="go on with new lines until Ctrl-C")
    given = parser.parse_args()
    logs = log_lines.of_stage(given.stage, given.data_dir)
    start = log_lines.start(given, recent=None if given.find else RECENT)
    looked = log_lines.looked(start)
    shown: dict[str, datetime] = {}
    while True:
        for line in logs.lines(start, [given.find] if given.find else []):
            if line.id not in shown:
                shown[line.id] = line.moment
                print(line, flush=True)
        if not shown and looked:
            what = f"has {given.find}" if given.find else "was logged"
            print(f"No line {what}. {looked}", file=sys.stderr)
        looked = ""
        if not given.follow:
            return int(bool(given.find) and not shown)
        start = max([start, *(moment - LATE for moment in shown.values())])
        shown = {line_id: moment for line_id, moment in shown.items() if moment >= start}
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    stages.run(main)
