"""The process of the emulator."""

import asyncio

import pytest
from ministack.services import sqs

from app.local.aws import launcher


def test_a_long_poll_looks_for_messages_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause is in the emulator's code, so another emulator may bring the long one back."""
    pauses: list[float] = []
    slept = asyncio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await slept(seconds)

    async def poll() -> None:
        queue = await sqs._dispatch("CreateQueue", {"QueueName": "empty"}, "")
        await sqs._dispatch("ReceiveMessage", {**queue, "WaitTimeSeconds": 1}, "")
        await sqs._dispatch("DeleteQueue", queue, "")

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(sqs, "asyncio", asyncio)  # as the launcher finds it, and as it is put back
    launcher.look_for_messages_often()
    asyncio.run(poll())

    assert pauses
    assert max(pauses) == launcher.LOOK_SECONDS
