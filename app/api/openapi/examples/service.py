"""Examples of what the service tells of itself: its kinds, usage and health."""

from app.api.schemas.kinds import KindList, KindOut
from app.domain.kinds import KINDS, WorkerCapacity

KIND_LIST = KindList(
    items=[KindOut.of(kind, WorkerCapacity(300, 10_240)) for kind in KINDS.values()]
).model_dump()
USAGE = {"objects": 2, "bytes": 73400328, "limits": {"objects": None, "bytes": None}}
HEALTHY = {"status": "ok"}
