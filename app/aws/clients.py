"""Makes the client of every AWS adapter, when it is first used where a request waits for the start."""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property, partial
from threading import Lock
from typing import Any

from app.aws import dynamodb
from app.quick_start import IS_AWAITED


class Clients:
    """Makes all clients on one session, one after another: both are costly to build."""

    def __init__(self, *, callers_repeat: bool = False, signs: bool = False) -> None:
        """`callers_repeat` says that who makes a call repeats it by `insist`, so that the client need not.

        `signs` says that calls to DynamoDB do without botocore, if the environment lets them.
        """
        self._callers_repeat = callers_repeat
        self._signs = signs
        self._clients: list[Any] = []

    def client(self, service: str, **options: Any) -> Any:
        """Return a client. While a request waits for the start, it is made when it is first used."""
        make = partial(self._make, service, options)
        return LaterClient(make) if IS_AWAITED else make()

    @cached_property
    def _sdk(self) -> Any:
        from app.aws.sdk import Sdk

        return Sdk(callers_repeat=self._callers_repeat)

    def _make(self, service: str, options: dict[str, Any]) -> Any:
        access = dynamodb.access() if self._signs and service == "dynamodb" else None
        client = dynamodb.DynamoDB(access) if access else self._sdk.client(service, **options)
        self._clients.append(client)
        return client

    def drop_connections(self) -> None:
        """Close every open connection. The next call opens a new one."""
        for client in self._clients:
            client.close()


class LaterClient:
    """Makes a client when something is first asked of it. A first request needs one of three, or two."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make_once = make
        self._lock = Lock()
        self._client: Any = None

    def __getattr__(self, name: str) -> Any:
        # botocore's session makes one client at a time.
        with self._lock:
            self._client = self._client or self._make_once()
        return getattr(self._client, name)


def credentials_end(client: Any) -> datetime | None:
    """Return when the credentials that sign for a client end. None if they last, or do not say."""
    credentials = client._get_credentials()  # botocore has no public name for them
    # Credentials that are about to end are replaced here, not between this answer and the signature.
    credentials.get_frozen_credentials()
    return getattr(credentials, "_expiry_time", None)
