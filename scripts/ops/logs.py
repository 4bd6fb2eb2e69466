"""Shows what a stage's functions and its API Gateway log, oldest first.

scripts/ops/logs.sh dev                     of the last 15 minutes
scripts/ops/logs.sh dev --since 120         of the last two hours
scripts/ops/logs.sh dev --find ID           only lines with a request's, an object's or a trace's id
scripts/ops/logs.sh dev --follow            and whatever comes
scripts/ops/logs.sh local                   the same for what `make run` runs
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from scripts.ops import log_lines, stages

LOOK_SECONDS = 3
LATE = timedelta(minutes=1)
"""A line may reach CloudWatch so long after its moment."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = stages.parser("logs", "Show what a stage logs.")
    stages.add_data_dir(parser)
    parser.add_argument(
        "--since", type=float, default=15, metavar="MINUTES", help="how far back (default: 15)"
    )
    parser.add_argument("--find", metavar="TEXT", help="only lines with this text, such as an id")
    parser.add_argument("--follow", action="store_true", help="go on until Ctrl-C")
    given = parser.parse_args(arguments)
    logs = log_lines.of_stage(given.stage, given.data_dir)
    start = datetime.now(UTC) - timedelta(minutes=given.since)
    shown: dict[str, datetime] = {}
    while True:
        for line in logs.lines(start, [given.find] if given.find else []):
            if line.id not in shown:
                shown[line.id] = line.moment
                print(line, flush=True)
        if not given.follow:
            return 0
        start = max([start, *(moment - LATE for moment in shown.values())])
        shown = {line_id: moment for line_id, moment in shown.items() if moment >= start}
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    stages.run(main)
