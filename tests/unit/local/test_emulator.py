"""The sockets on which the emulator and the API listen."""

import asyncio
from socket import IPPROTO_TCP, TCP_NODELAY, socket

from app.local.aws.emulator import listen


def test_what_is_accepted_sends_small_answers_at_once() -> None:
    """Otherwise the second part of an answer waits for the client's delayed acknowledgment, 40 ms."""

    async def is_at_once() -> bool:
        accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def meet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            own: socket = writer.get_extra_info("socket")
            accepted.set_result(own.getsockopt(IPPROTO_TCP, TCP_NODELAY))
            writer.close()

        listener = listen(0)
        async with await asyncio.start_server(meet, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            found = await accepted
            writer.close()
            await writer.wait_closed()
        return bool(found)

    assert asyncio.run(is_at_once())
