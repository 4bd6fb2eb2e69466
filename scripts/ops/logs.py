"""Show what a stage's functions and its API Gateway log, oldest first.

scripts/ops/logs.sh dev                     the last 15 minutes
scripts/ops/logs.sh dev --since 120         the last two hours
scripts/ops/logs.sh dev --find ID           only lines with the id of a request, an object or a trace
scripts/ops/logs.sh dev --follow            go on with new lines as they come
scripts/ops/logs.sh local                   the same for what `make run` runs
"""

import time
from datetime import datetime, timedelta

from scripts.ops import log_lines, stages

LOOK_SECONDS = 3
#: How long after its own timestamp a line may reach CloudWatch.
LATE = timedelta(minutes=1)


def main() -> int:
    parser = stages.parser("logs", "Show what a stage logs.")
    log_lines.add_arguments(parser, since_minutes=15)
    parser.add_argument("--find", metavar="TEXT", help="only lines with this text, such as an id")
    parser.add_argument("--follow", action="store_true", help="go on with new lines until Ctrl-C")
    given = parser.parse_args()
    logs = log_lines.of_stage(given.stage, given.data_dir)
    start = log_lines.start(given)
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
