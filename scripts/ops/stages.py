"""Choose the stack an operator's script works on: the one on this machine, or a stage's on AWS."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError

from app.aws.sdk import CONFIG
from app.config import OperatorSettings
from app.domain.errors import WharfError
from app.local import running
from app.local.aws import emulator, stack
from app.local.doors import keys
from app.local.errors import AWS_FAULTS, CannotStart, one_line

LOCAL = "local"
STAGES = (LOCAL, "dev", "prod")
#: The codes of STS, and of other services.
UNKNOWN_CALLER = {"InvalidClientTokenId", "UnrecognizedClientException"}
#: The codes of CloudFormation and of CloudWatch Logs for a name that nothing has.
NOT_THERE = {"ValidationError", "ResourceNotFoundException"}
OUTPUTS = {
    "TableName": "TABLE_NAME",
    "BucketName": "BUCKET_NAME",
    "BusName": "BUS_NAME",
    "QueueUrl": "QUEUE_URL",
    "DeadLetterQueueUrl": "DEAD_LETTER_QUEUE_URL",
}


def parser(script: str, description: str) -> argparse.ArgumentParser:
    """Return a parser with the arguments that choose the stack."""
    made = argparse.ArgumentParser(f"scripts/ops/{script}.sh", description=description)
    made.add_argument("stage", choices=STAGES, help="the stack's stage; local is what `make run` runs")
    made.add_argument(
        "--aws-port",
        type=int,
        default=os.environ.get("AWS_PORT"),
        help="for the stage local: port of the emulator (default: AWS_PORT, or what the data folder says)",
    )
    add_data_dir(made)
    return made


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Add the argument by which a run on this machine is found."""
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=os.environ.get("DATA_DIR", ".local"),
        help="for the stage local: folder in which `make run` says where it answers (default: DATA_DIR, or "
        ".local)",
    )


def connect(given: argparse.Namespace) -> OperatorSettings:
    """Return the settings that the stack's outputs give.

    For the stage local, this process uses the emulator from here on.
    """
    if given.stage == LOCAL:
        use_emulator(given)
    stage = given.stage
    cloudformation = boto3.session.Session().client("cloudformation", config=CONFIG)
    described: Any = cloudformation.describe_stacks(StackName=stack_name(stage))["Stacks"][0]
    return OperatorSettings.from_environment(settings_of(described))


def use_emulator(given: argparse.Namespace) -> None:
    """Make this process use the emulator of `make run`, with its keys, from here on.

    Raises CannotStart if nothing runs in the data folder, unless a port is given.
    """
    if given.aws_port is None:
        found = running.find(given.data_dir)
        url, region = found.aws_url, found.aws_region
    else:
        url, region = f"http://{emulator.HOST}:{given.aws_port}", emulator.REGION
    emulator.drop_inherited(os.environ)
    os.environ.update({**emulator.environment_of(url), **keys.read(given.data_dir)})
    os.environ.update({"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": region, "AWS_REGION": region})


def answer(question: str) -> str:
    """Return what a person types; nothing where nobody can be asked."""
    if not sys.stdin.isatty():
        return ""
    try:
        return input(question).strip()
    except EOFError:
        return ""


def stack_name(stage: str) -> str:
    return stack.STACK_NAME if stage == LOCAL else f"{stack.STACK_NAME}-{stage}"


def settings_of(described: Mapping[str, Any]) -> dict[str, str]:
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in described.get("Parameters", [])}
    settings = {variable: outputs[output] for output, variable in OUTPUTS.items()}
    return settings | {"LIST_SHARDS": parameters.get("ListShards", "1")}


def hint(fault: Exception) -> str:
    """Return what a person may do about a fault of AWS; nothing where the fault says it itself."""
    code = fault.response["Error"].get("Code") if isinstance(fault, ClientError) else None
    if code in UNKNOWN_CALLER:
        return (
            "If the credentials are right elsewhere, the account may not have enabled this region: "
            "docs/deploying.md, Regions."
        )
    if code in NOT_THERE:
        return "Is the stage deployed in this region?"
    if isinstance(fault, NoCredentialsError):
        return "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    return "Set AWS_DEFAULT_REGION." if isinstance(fault, NoRegionError) else ""


def run(main: Callable[[], int]) -> None:
    """Run `main` and exit with the status it returns, or with one line that says what went wrong."""
    try:
        sys.exit(main())
    except (*AWS_FAULTS, CannotStart, WharfError) as fault:
        more = hint(fault)
        sys.exit(
            f"wharf: {one_line(fault).removesuffix('.')}. {more}" if more else f"wharf: {one_line(fault)}"
        )
    except EOFError:
        sys.exit("wharf: There is nobody to ask.")
    except KeyboardInterrupt:
        sys.exit(130)  # 128 plus the number of SIGINT, as in shells
    except BrokenPipeError:
        # The reader has closed the pipe; the interpreter must not flush the rest into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
