"""Do the whole job against a deployed endpoint, as a client would, and print each step that worked.

scripts/ops/smoke.sh URL                    checks only that open paths answer and strangers are refused
scripts/ops/smoke.sh URL --api-key KEY      for AuthMode api-key
scripts/ops/smoke.sh URL --token TOKEN      for AuthMode cognito
scripts/ops/smoke.sh URL --sign             for AuthMode iam, with the AWS credentials of the environment
scripts/ops/smoke.sh URL --local            for what `make run` runs
scripts/ops/smoke.sh                        the same; its address is found in the data folder
"""

import argparse
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from app.local import running
from scripts.ops import stages

CSV = b"city,people\nPorto,231800\nBergen,289330\n"
SETTLES_SECONDS = 120
REFUSED = (401, 403)
Headers = Mapping[str, str]
Authenticate = Callable[[str, str, bytes | None], Headers]


class Unexpected(Exception):
    """The endpoint did not do what it should; the message says what it did instead."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a new name, deployment or key may be unknown: each reaches AWS's hosts with a delay."""

    seconds: float = 90
    pause: float = 3


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Headers
    body: bytes

    def json(self) -> Any:
        """Return what the body holds. Raises Unexpected if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise Unexpected(f"an answer is not JSON: {self.body[:300]!r}") from None


@dataclass(frozen=True, slots=True)
class Endpoint:
    url: str
    authenticate: Authenticate

    def call(self, method: str, path: str, body: Any = None, *, expect: int | None = None) -> Answer:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        known = self.authenticate(method, self.url + path, content)
        return send(method, self.url + path, content, {**headers, **known}, expect=expect)


def main() -> int:
    given = parse()
    url = given.url.rstrip("/")
    # Names and keys of `make run` are known at once.
    patience = Patience(seconds=0) if given.local else Patience()
    try:
        check_open_paths(url, patience)
        if not given.local:
            check_strangers_are_refused(url, patience)
        authenticate = authentication(given)
        if authenticate is None:
            say("Not tried: the job itself. It needs --api-key, --token or --sign.")
        else:
            do_the_job(Endpoint(url, authenticate), patience)
    except (Unexpected, OSError) as failed:
        print(f"FAILED  {failed}", file=sys.stderr)
        return 1
    except (LookupError, TypeError) as fault:
        print(f"FAILED  an answer does not have what the API's has: {fault!r}", file=sys.stderr)
        return 1
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "scripts/ops/smoke.sh", description="Do the whole job against an endpoint."
    )
    parser.add_argument(
        "url",
        metavar="URL",
        nargs="?",
        help="URL of the API: the stack's output ApiUrl (default: `make run`'s)",
    )
    stages.add_data_dir(parser)
    caller = parser.add_mutually_exclusive_group()
    caller.add_argument("--api-key", metavar="KEY", default=os.environ.get("WHARF_API_KEY"))
    caller.add_argument(
        "--token", default=os.environ.get("WHARF_TOKEN"), help="an access token of the user pool"
    )
    caller.add_argument(
        "--sign", action="store_true", help="sign requests with the AWS credentials of the environment"
    )
    caller.add_argument(
        "--local", action="store_true", help="for `make run`, which asks no caller who they are"
    )
    # Intermixed, because the URL may come after options.
    given = parser.parse_intermixed_args()
    if given.url is None:
        given.url, given.local = running.find(given.data_dir).api_url, True
    return given


def authentication(given: argparse.Namespace) -> Authenticate | None:
    """Return the function that makes the headers that say who the caller is; None if no caller is given."""
    if given.sign:
        return signed
    if given.api_key:
        return lambda *_: {"x-api-key": given.api_key}
    if given.token:
        return lambda *_: {"Authorization": given.token}
    return (lambda *_: {}) if given.local else None


def signed(method: str, url: str, body: bytes | None) -> Headers:
    session = boto3.session.Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise Unexpected("the environment has no AWS credentials to sign with")
    request = AWSRequest(method, url, {"Content-Type": "application/json"} if body else {}, body)
    SigV4Auth(credentials, "execute-api", session.region_name).add_auth(request)
    return dict(request.headers)


def check_open_paths(url: str, patience: Patience) -> None:
    for path in ("/", "/healthz", "/openapi.json", "/docs", "/problems/not_found"):
        wait_for(partial(send, "GET", url + path), f"GET {path}", (200,), patience)
    say("open paths answer")


def check_strangers_are_refused(url: str, patience: Patience) -> None:
    for path in ("/v1/objects", "/v1/usage"):
        try:
            wait_for(partial(send, "GET", url + path), f"GET {path} without a caller", REFUSED, patience)
        except Unexpected as open_to_all:
            if urlsplit(url).hostname not in {"127.0.0.1", "localhost"}:
                raise
            advice = "If this is a run of `make run`, leave URL out, or add --local"
            raise Unexpected(f"{open_to_all}. {advice}") from None
    say("strangers are refused")


def wait_for(ask: Callable[[], Answer], what: str, expected: Collection[int], patience: Patience) -> None:
    """Ask until an expected status comes.

    Raises Unexpected with any other one, at once or, if it may be that of a host which does not know
    the endpoint or the caller yet, in the end.
    """
    give_up = time.monotonic() + patience.seconds
    while (found := tried(ask)) not in expected:
        is_in_time = time.monotonic() < give_up
        if not (is_in_time and may_change(found)):
            raise Unexpected(f"{what}: {found}")
        print(f"waits   {what}: {found}; a new deployment or key may take a minute to be known", flush=True)
        time.sleep(patience.pause)


def tried(ask: Callable[[], Answer]) -> int | str:
    """Return the status of the answer, or why there is none, such as a name that is not known yet."""
    try:
        return ask().status
    except OSError as fault:
        return str(fault)


def may_change(found: int | str) -> bool:
    return not isinstance(found, int) or found in (*REFUSED, 404) or found >= 500


def do_the_job(api: Endpoint, patience: Patience) -> None:
    wait_for(partial(api.call, "GET", "/v1/usage"), "GET /v1/usage", (200,), patience)
    say("the caller is known")
    record = create(api, {"kind": "record", "name": "smoke"})
    payload = {"media_type": "text/csv", "size": len(CSV)}
    created = create(api, {"kind": "dataset", "name": "smoke.csv", "payload": payload})
    upload = created["upload"]
    send(upload["method"], upload["url"], CSV, upload["headers"], expect=200)
    say("a payload was uploaded")
    began = time.monotonic()
    ready = wait_until_ready(api, created["id"])
    if ready["result"]["summary"]["rows"] != 2:
        raise Unexpected(f"the summary is {ready['result']['summary']}")
    say(f"it was processed in {time.monotonic() - began:.1f} s")
    check_downloads(api, ready)
    wait_for_history(api, ready["id"])
    check_list_and_delete(api, {record["id"], ready["id"]})


def check_list_and_delete(api: Endpoint, created: set[str]) -> None:
    listed = api.call("GET", "/v1/objects?limit=100", expect=200).json()["items"]
    if not created <= {one["id"] for one in listed}:
        raise Unexpected("the list does not contain the two objects that were created")
    for object_id in created:
        api.call("DELETE", f"/v1/objects/{object_id}", expect=204)
        api.call("GET", f"/v1/objects/{object_id}", expect=404)
    say("what was created is listed, and deleted again")


def create(api: Endpoint, body: Mapping[str, Any]) -> Any:
    return api.call("POST", "/v1/objects", {**body, "labels": {"smoke": uuid4().hex[:8]}}, expect=201).json()


def wait_until_ready(api: Endpoint, object_id: str) -> Any:
    give_up = time.monotonic() + SETTLES_SECONDS
    while time.monotonic() < give_up:
        found = api.call("GET", f"/v1/objects/{object_id}", expect=200).json()
        if found["status"] == "ready":
            return found
        if found["status"] not in ("pending", "processing"):
            raise Unexpected(f"the object is {found['status']}: {found['problem']}")
        time.sleep(0.5)
    raise Unexpected(f"the object was not processed in {SETTLES_SECONDS} s")


def check_downloads(api: Endpoint, ready: Mapping[str, Any]) -> None:
    link = api.call("GET", f"/v1/objects/{ready['id']}/payload", expect=200).json()
    if send("GET", link["url"], expect=200).body != CSV:
        raise Unexpected("the downloaded payload differs from the uploaded one")
    link = api.call("GET", f"/v1/objects/{ready['id']}/artifacts/profile.json", expect=200).json()
    if send("GET", link["url"], expect=200).json()["rows"] != 2:
        raise Unexpected("the profile does not have the payload's number of rows")
    say("payload and profile can be downloaded")


def wait_for_history(api: Endpoint, object_id: str) -> None:
    expected = ["object.created", "object.processing", "object.ready"]
    give_up = time.monotonic() + SETTLES_SECONDS
    types: list[str] = []
    while types != expected:
        if time.monotonic() > give_up:
            raise Unexpected(f"the history has {types}")
        items = api.call("GET", f"/v1/objects/{object_id}/history", expect=200).json()["items"]
        types = [event["type"] for event in items]
        time.sleep(0.2)
    say("its history is complete")


def send(
    method: str,
    url: str,
    body: bytes | None = None,
    headers: Headers | None = None,
    *,
    expect: int | None = None,
) -> Answer:
    """Return the answer. Raises Unexpected if it is not HTTP, or its status not the one that is expected."""
    if not url.startswith(("http://", "https://")):
        raise Unexpected(f"{url} does not begin with http:// or https://")
    request = urllib.request.Request(url, body, dict(headers or {}), method=method)  # noqa: S310  # checked above
    try:
        with urllib.request.urlopen(request, timeout=60) as found:  # noqa: S310  # checked above
            answer = Answer(found.status, dict(found.headers), found.read())
    except urllib.error.HTTPError as refused:
        with refused:
            answer = Answer(refused.code, dict(refused.headers), refused.read())
    except http.client.HTTPException as broken:
        raise Unexpected(f"{method} {url.partition('?')[0]}: {broken!r}") from None
    if expect is not None and answer.status != expect:
        where = url.partition("?")[0]
        raise Unexpected(f"{method} {where}: {answer.status} instead of {expect}, {answer.body[:300]!r}")
    return answer


def say(what: str) -> None:
    print(f"ok      {what}", flush=True)


if __name__ == "__main__":
    stages.run(main)
