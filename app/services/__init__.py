"""The use cases, by what they are about.

objects/      clients create, read, change, fill, share and download objects
background/   the worker processes payloads, and puts right or removes what time has passed
changes/      the relay announces changes; clients read them, or wait for them
webhooks/     owners manage webhooks and their deliveries; the sender fans events out
operations/   operators ask whether the service is ready, and repair it
cursors.py    positions in lists
ids.py        new ids, and those that an Idempotency-Key gives
reporting.py  fields of log lines and metrics
"""
