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

#: The time and the disk space that the worker has for one payload.
LeaseSeconds = Annotated[int, Field(ge=10, le=900)]
StorageMebibytes = Annotated[int, Field(ge=512, le=10_240)]

#: How a caller proves who they are. `local` exists only in the local runtime.
AuthMode = Literal["iam", "cognito", "api-key", "local"]


def between_commas(text: str) -> list[str]:
    """Return the parts of a list that is written with commas. Empty parts are left out."""
    return [part.strip() for part in text.split(",") if part.strip()]


Owners = Annotated[frozenset[Annotated[str, Field(pattern=OWNER)]], BeforeValidator(between_commas)]

#: 0 means unlimited; a CloudFormation number parameter cannot be empty.
Quota = Annotated[NonNegativeInt | None, AfterValidator(lambda limit: limit or None)]


PortsRefused = Annotated[
    frozenset[PositiveInt] | None,
    BeforeValidator(lambda text: frozenset(between_commas(text)) if isinstance(text, str) else text),
]


class ConfigurationError(Exception):
    """The environment does not describe a service that can start."""


class Settings(BaseModel):
    """The settings of the adapters. Each field is read from the variable of its upper-case name."""

    # Each function uses one of these models, so each is built when it is used.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    table_name: str
    bucket_name: str
    list_shards: Annotated[int, Field(ge=1, le=64)] = 1
    #: Scheme and host in presigned URLs, where clients reach S3 under another name.
    public_s3_url: str | None = None
    # Required by the functions that use them.
    queue_url: str = ""
    dead_letter_queue_url: str = ""
    bus_name: str = ""
    #: Empty in a stack without webhooks.
    webhooks_table_name: str = ""
    sender_queue_url: str = ""
    #: Ports of Wharf itself, with commas between, where webhooks may use HTTP and this machine: in the
    #: local runtime only. No stack sets it.
    webhook_ports_refused: PortsRefused = None

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
    """The settings of the API."""

    auth_mode: AuthMode
    #: The queue in which the worker is asked to put the parts of an upload together.
    queue_url: str
    #: How long a presigned upload URL is valid, unless the token that signs it ends before.
    upload_seconds: Annotated[int, Field(ge=60, le=3_600)] = 900
    #: How long an upload in parts may be made. The bucket aborts what is left of one after seven days.
    multipart_hours: Annotated[int, Field(ge=1, le=144)] = 24
    #: How long a presigned download URL is valid, unless the token that signs it ends before.
    download_seconds: Annotated[int, Field(ge=10, le=3_600)] = 300
    #: Owners by API key id, for keys that were rotated. The owner of any other key is `key-<id>`.
    key_owners: Json[dict[str, str]] = {}
    #: Owners that may read across owners, with commas between, where callers have no groups (`iam`, `local`).
    admin_owners: Owners = frozenset()
    #: The address of Cognito's sign-in, and the console's client id there. Empty without Cognito.
    sign_in_url: Annotated[str, Field(pattern=r"^(https://[0-9A-Za-z.-]+)?$")] = ""
    sign_in_client_id: str = ""
    #: Origins of the pages that may call the API, with commas between; `*` for any.
    cors_origins: str = ""
    #: The worker's timeout and disk, from which the limits of payloads follow.
    lease_seconds: LeaseSeconds = 300
    storage_mebibytes: StorageMebibytes = 10_240
    #: How long a client may wait for a change; 0 if none may.
    max_wait_seconds: Annotated[int, Field(ge=0, le=20)] = 0
    # The limits of one owner.
    max_objects: Quota = None
    max_bytes: Quota = None


class WorkerSettings(Settings):
    """The settings of the worker."""

    queue_url: str
    dead_letter_queue_url: str
    #: The function's timeout. After it, nobody is working on a claimed object any more.
    lease_seconds: LeaseSeconds = 300
    #: The function's disk.
    storage_mebibytes: StorageMebibytes = 10_240
    #: How often a payload is tried before its object has failed.
    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3


class RelaySettings(Settings):
    """The settings of the relay."""

    bus_name: str
    queue_url: str


class SenderSettings(Settings):
    """The settings of the sender."""

    webhooks_table_name: str
    sender_queue_url: str


class OperatorSettings(Settings):
    """The settings of the tools in scripts/ops, which run with the operator's own rights."""

    bus_name: str
    queue_url: str
    dead_letter_queue_url: str
