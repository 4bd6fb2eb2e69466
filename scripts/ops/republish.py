"""Publish an object's current state again, for subscribers that missed it.

scripts/ops/republish.sh local ID                 searches the whole table for the object
scripts/ops/republish.sh local ID --owner OWNER   reads only that object
"""

from app.bootstrap.adapters import adapters
from app.bootstrap.operations import compose_republishing
from app.domain.errors import NotFound
from scripts.ops import stages


def main() -> int:
    """Return 0, or 1 if there is no such object."""
    parser = stages.parser("republish", "Publish an object's current state again.")
    parser.add_argument("id", help="id of the object")
    parser.add_argument("--owner", help="owner of the object; without it the whole table is searched")
    given = parser.parse_args()
    republishing = compose_republishing(adapters(stages.connect(given)))
    try:
        events = republishing.republish(given.id, owner=given.owner)
    except NotFound:
        hint = " Locally, who sends X-Owner: me is local-me." if given.stage == stages.LOCAL else ""
        print(f"{given.owner!a} has no object {given.id!a}.{hint}")
        return 1
    for event in events:
        print(f"{event.id} was published as {event.type} to the subscribers of {event.owner}'s objects.")
    if not events:
        print(f"There is no object {given.id}.")
    return int(not events)


if __name__ == "__main__":
    stages.run(main)
