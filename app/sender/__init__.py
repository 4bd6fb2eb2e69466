"""The webhook edge: decide, send, record.

batch.py      a batch of messages: fan events out, look at endpoints; or a sweep
endpoint.py   one look: claim the endpoint, send what is due, give it back
backlog.py    what is due, a few deliveries at a time
decide.py     what to do next, from values alone
send.py       one attempt: a signed request
connect.py    the socket, to an address that was checked
watchdog.py   the one deadline of an attempt
record.py     what is kept of an attempt, and what is logged
"""
