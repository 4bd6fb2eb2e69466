"""Settings from the environment, checked once at start.

There is a class for each function; it requires the variables that the function uses.
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

#: The form of an owner, which begins every key of what the owner has.
OWNER = r"^[A-Za-z0-9_-]{1,64}$"

#: How a caller proves who they are. `local` exists only in the local runtime.
AuthMode = Literal["iam", "cognito", "api-key", "local"]


def between_commas(text: str) -> list[str]:
    """Return the parts of a list that is written with commas. Empty parts are left out."""
    return [part.strip() for part in text.split(",") if part.strip()]


Owners = Annotated[frozenset[Annotated[str, Field(pattern=OWNER)]], BeforeValidator(between_commas)]

#: 0 means unlimited; a CloudFormation number parameter cannot be empty.
Quota = Annotated[NonNegativeInt | None, AfterValidator(lambda limit: limit or None)]


class ConfigurationError(Exception):
    """The environment does not describe a service that can start."""


class Settings(BaseModel):
    """What the adapters need. Each field is read from the variable of its upper-case name."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    table_name: str
    bucket_name: str
    list_shards: Annotated[int, Field(ge=1, le=64)] = 1
    #: Scheme and host in presigned URLs, where clients reach S3 under another name.
    public_s3_url: str | None = None
    # Required by the functions that use them.
    queue_url: str = ""
    dead_letter_queue_url: str = ""
    bus_name: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Return the settings. Raises ConfigurationError, which names every missing or wrong variable."""
        given = {name: environ[name.upper()] for name in cls.model_fields if name.upper() in environ}
        try:
            return cls.model_validate(given)
        except ValidationError as invalid:
            wrong = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in invalid.errors())
            raise ConfigurationError(f"Wrong environment: {wrong}") from None


class ApiSettings(Settings):
    """What the API needs."""

    auth_mode: AuthMode
    #: How long a presigned upload URL is valid, unless the token that signs it ends before.
    upload_seconds: Annotated[int, Field(ge=60, le=3_600)] = 900
    #: How long a presigned download URL is valid, unless the token that signs it ends before.
    download_seconds: Annotated[int, Field(ge=10, le=3_600)] = 300
    #: Owners by API key id, for keys that were rotated. The owner of any other key is `key-<id>`.
    key_owners: Json[dict[str, str]] = {}
    #: Owners that may read across owners, with commas between, where callers have no groups (`iam`, `local`).
    admin_owners: Owners = frozenset()
    #: Origins of the pages that may call the API, with commas between; `*` for any.
    cors_origins: str = ""
    # What one owner may use.
    max_objects: Quota = None
    max_bytes: Quota = None


class WorkerSettings(Settings):
    """What the worker needs."""

    queue_url: str
    dead_letter_queue_url: str
    #: The function's timeout. After it, nobody is working on a claimed object any more.
    lease_seconds: PositiveInt = 300
    #: How often a payload is tried before its object has failed.
    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3


class RelaySettings(Settings):
    """What the relay needs."""

    bus_name: str


class OperatorSettings(Settings):
    """What the tools in scripts/ops need. They run with the operator's own rights."""

    bus_name: str
    queue_url: str
    dead_letter_queue_url: str
