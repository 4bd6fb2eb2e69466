"""Settings from the environment, checked once at start.

One class per function, so that a function needs no variable it does not use.
A missing or wrong variable stops the start with a message that names it.
"""

import os
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
)

MEBIBYTE = 1024 * 1024
OWNER = r"^[A-Za-z0-9_-]{1,64}$"
"""What begins every key of an owner's things."""


def _between_commas(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


Owners = Annotated[frozenset[Annotated[str, Field(pattern=OWNER)]], BeforeValidator(_between_commas)]

Quota = Annotated[NonNegativeInt | None, AfterValidator(lambda limit: limit or None)]
"""0 is no limit: a stack's parameter cannot be left out."""


class ConfigurationError(Exception):
    """The environment does not describe a service that can start."""


class Settings(BaseModel):
    """What every function needs. Each field is read from its upper-case name."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    table_name: str
    bucket_name: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Raises ConfigurationError, which names every variable that is missing or wrong."""
        given = {name: environ[name.upper()] for name in cls.model_fields if name.upper() in environ}
        try:
            return cls.model_validate(given)
        except ValidationError as invalid:
            wrong = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in invalid.errors())
            raise ConfigurationError(f"Wrong environment: {wrong}") from None


class ApiSettings(Settings):
    auth_mode: Literal["iam", "cognito", "api-key", "local"]
    list_shards: Annotated[int, Field(ge=1, le=64)] = 1
    upload_seconds: Annotated[int, Field(ge=60, le=43_200)] = 900
    """How long a presigned upload URL is valid."""
    download_seconds: Annotated[int, Field(ge=10, le=43_200)] = 300
    key_owners: Json[dict[str, str]] = {}
    """API key id to owner, for keys that were rotated; others own as `key-<id>`."""
    admin_owners: Owners = frozenset()
    """With commas between: who may read across owners, where callers are in no groups (`iam`, `local`)."""
    cors_origins: str = ""
    """Origins of pages that may call the API, with commas between; `*` for any."""
    max_objects: Quota = None
    max_bytes: Quota = None
    """What one owner may use."""
    public_s3_url: str | None = None
    """Scheme and host in presigned URLs, where clients see S3 under another one."""


class WorkerSettings(Settings):
    queue_url: str
    dead_letter_queue_url: str
    list_shards: Annotated[int, Field(ge=1, le=64)] = 1
    lease_seconds: PositiveInt = 300
    """The function's timeout: after it, nobody is working on a claimed object."""
    max_attempts: PositiveInt = 3
    processor_memory_bytes: PositiveInt = 1024 * MEBIBYTE


class RelaySettings(Settings):
    bus_name: str


class OperatorSettings(Settings):
    """What the tools in scripts/ need, who run with the operator's own rights."""

    bus_name: str
    queue_url: str
    dead_letter_queue_url: str
    list_shards: Annotated[int, Field(ge=1, le=64)] = 1
