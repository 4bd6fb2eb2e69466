"""The texts and numbers that bodies and parameters share, with their formats."""

from typing import Annotated

from pydantic import Field

from app.api.schemas.annotations import Documented

Timestamp = Annotated[str, Documented(format="date-time")]
Id = Annotated[str, Documented(format="uuid")]
#: SHA-256 in lower-case hex.
Checksum = Annotated[str, Documented(pattern="^[0-9a-f]{64}$")]
Bytes = Annotated[int, Documented(minimum=0, format="int64")]
Count = Annotated[int, Documented(minimum=0)]
Number = Annotated[int, Documented(minimum=1)]
Url = Annotated[str, Documented(format="uri")]
ARTIFACT_NAME_CHARACTERS = 128
ArtifactName = Annotated[str, Field(min_length=1, max_length=ARTIFACT_NAME_CHARACTERS)]
