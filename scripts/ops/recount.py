"""Compare the counters of usage with the objects of the table, and correct those that differ.

scripts/ops/recount.sh local      reads the whole table twice
"""

from app.bootstrap.adapters import adapters
from app.bootstrap.operations import compose_recounting
from app.services.operations.recounting import Verdict
from scripts.ops import stages


def main() -> int:
    """Return 0, or 1 if a counter is left: its objects are being changed, or one cannot be read."""
    given = stages.parser("recount", "Compare the counters of usage with the objects.").parse_args()
    recounted = compose_recounting(adapters(stages.connect(given))).recount()
    for one in recounted.counters:
        if one.verdict is not Verdict.RIGHT:
            print(
                f"{one.counter.owner}, shard {one.counter.shard}: counted {one.counted.objects} objects and "
                f"{one.counted.bytes} bytes, found {one.found.objects} and {one.found.bytes}; {one.verdict}"
            )
    for owner, object_id in recounted.unreadable:
        print(
            f"{object_id!a} of {owner!a} is not an object that this version can read. "
            "The counters of its owner are left as they are."
        )
    busy = sum(one.verdict is Verdict.BUSY for one in recounted.counters)
    print(f"{len(recounted.counters)} counters were compared; {busy} are busy: try them again in a minute.")
    return int(busy > 0 or bool(recounted.unreadable))


if __name__ == "__main__":
    stages.run(main)
