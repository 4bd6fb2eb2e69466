"""Choose the stack an operator's script works on: the one on this machine, or a stage's on AWS."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from app.aws import CONFIG
from app.config import OperatorSettings
from app.domain.errors import WharfError
from app.local import emulator, stack
from app.local.errors import CannotStart

LOCAL = "local"
STAGES = (LOCAL, "dev", "prod")
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
        default=os.environ.get("AWS_PORT", "4566"),
        help="for the stage local: port of the emulator that `make run` started (default: AWS_PORT, or 4566)",
    )
    return made


def connect(stage: str, aws_port: int) -> OperatorSettings:
    """Return the settings that the stack's outputs give.

    For the stage local, this process uses the emulator from here on.
    """
    if stage == LOCAL:
        use_emulator(aws_port)
    cloudformation = boto3.session.Session().client("cloudformation", config=CONFIG)
    described: Any = cloudformation.describe_stacks(StackName=stack_name(stage))["Stacks"][0]
    return OperatorSettings.from_environment(settings_of(described))


def use_emulator(aws_port: int) -> None:
    """Make this process use the emulator that `make run` started, from here on."""
    emulator.drop_inherited(os.environ)
    os.environ.update(emulator.environment_of(f"http://127.0.0.1:{aws_port}"))


def stack_name(stage: str) -> str:
    return stack.STACK_NAME if stage == LOCAL else f"{stack.STACK_NAME}-{stage}"


def settings_of(described: Mapping[str, Any]) -> dict[str, str]:
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in described.get("Parameters", [])}
    settings = {variable: outputs[output] for output, variable in OUTPUTS.items()}
    return settings | {"LIST_SHARDS": parameters.get("ListShards", "1")}


def run(main: Callable[[], int]) -> None:
    """Run `main` and exit with the status it returns, or with one line that says what went wrong."""
    try:
        sys.exit(main())
    except (BotoCoreError, CannotStart, ClientError, WharfError) as fault:
        sys.exit(f"wharf: {fault}")
    except KeyboardInterrupt:
        sys.exit(130)  # 128 plus the number of SIGINT, as in shells
    except BrokenPipeError:
        # The reader has closed the pipe; the interpreter must not flush the rest into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
