"""How a change is announced by the relay, and read or awaited by clients.

relaying.py    changes become events: to the history, the bus and the worker
forwarding.py  S3's notices go on to the work queue
following.py   the feed
waiting.py     many clients wait for a change at the cost of one
watching.py    answers a client when something has changed
blocking.py    calls what blocks from a coroutine
"""
