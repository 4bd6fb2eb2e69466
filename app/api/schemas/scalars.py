"""The texts and numbers that answers share, with their formats."""

from typing import Annotated

from app.api.schemas.annotations import Documented

Timestamp = Annotated[str, Documented(format="date-time")]
Id = Annotated[str, Documented(format="uuid")]
#: SHA-256 in lower-case hex.
Checksum = Annotated[str, Documented(pattern="^[0-9a-f]{64}$")]
Bytes = Annotated[int, Documented(minimum=0, format="int64")]
Count = Annotated[int, Documented(minimum=0)]
Number = Annotated[int, Documented(minimum=1)]
Url = Annotated[str, Documented(format="uri")]
