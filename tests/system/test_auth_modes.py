"""The template whole inside the emulator in each AuthMode: the job done by a caller, strangers refused.

AuthMode iam is in test_stages.py and test_in_emulator.py.
"""

import base64
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from app.local.aws.emulator import Emulator
from app.local.aws.stack import Stack
from tests.system.client import send
from tests.system.conftest import emulated, session_of
from tests.system.functions import api_url, upload_code
from tests.system.functions import deploy as deploy_stage
from tests.system.shell import run_script


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulated(tmp_path_factory.mktemp("modes")) as own:
        yield own


@pytest.fixture(scope="module")
def session(own: Emulator) -> boto3.session.Session:
    return session_of(own)


def deploy(own: Emulator, session: boto3.session.Session, mode: str) -> Stack:
    code = upload_code(session.client("s3", endpoint_url=own.url))
    cloudformation = session.client("cloudformation", endpoint_url=own.url)
    return deploy_stage(cloudformation, code_uri=code, parameters={"AuthMode": mode}, name="wharf-dev")


def machine_token(own: Emulator, session: boto3.session.Session, stack: Stack, scope: str) -> str:
    """Get a token as a program does, by client credentials (RFC 6749, section 4.4)."""
    client = session.client("cognito-idp", endpoint_url=own.url)
    ids = {"UserPoolId": stack.outputs["UserPoolId"], "ClientId": stack.outputs["MachineClientId"]}
    secret = client.describe_user_pool_client(**ids)["UserPoolClient"]["ClientSecret"]
    basic = base64.b64encode(f"{ids['ClientId']}:{secret}".encode()).decode()
    answer = send(
        "POST",
        f"{own.url}/oauth2/token",
        body=f"grant_type=client_credentials&scope={scope}".encode(),
        headers={"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status == 200, answer.body
    return str(answer.json()["access_token"])


@pytest.mark.long
def test_a_mode_is_switched_on_an_existing_stack_and_takes_effect(
    own: Emulator, session: boto3.session.Session
) -> None:
    with_keys = deploy(own, session, "api-key")
    refused_without_key = run_script("smoke", api_url(with_keys, own.url))
    with_tokens = deploy(own, session, "cognito")
    token = machine_token(own, session, with_tokens, "wharf/objects")
    url = api_url(with_tokens, own.url)
    done = run_script("smoke", url, "--token", token)
    forged = send("GET", f"{url}/v1/usage", headers={"Authorization": token[:-8] + "AAAAAAAA"})

    assert refused_without_key.status == 0, refused_without_key.output
    assert "ok      strangers are refused" in refused_without_key.output
    assert done.status == 0, done.output
    assert "ok      strangers are refused" in done.output
    assert "ok      what was created is listed, and deleted again" in done.output
    assert forged.status == 401


def test_a_key_passes_the_gateway_and_not_having_one_does_not(
    own: Emulator, session: boto3.session.Session
) -> None:
    """The emulated gateway does not say which key it was, so the service itself then refuses."""
    stack = deploy(own, session, "api-key")
    gateway: Any = session.client("apigateway", endpoint_url=own.url)
    key = gateway.get_api_key(apiKey=stack.outputs["ApiKeyId"], includeValue=True)["value"]
    url = f"{api_url(stack, own.url)}/v1/usage"

    without, wrong, right = (send("GET", url, headers={"x-api-key": one}) for one in ("", "wrong", key))

    assert (without.status, wrong.status) == (403, 403)
    assert right.json()["code"] == "unauthenticated"
