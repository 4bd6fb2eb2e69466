"""Objects and the changes that they may undergo. Values and decisions only, without a call to the outside.

objects/        an object: its statuses, its transitions, what its owner sees, and its share links
webhooks/       a webhook and its deliveries
disk.py         the files that a payload becomes on the worker's disk
kinds.py        the kinds of object, and the rules of each
summaries.py    what the processor of each kind finds out, field by field
media_types.py  media types as people send them, and what they mean
events.py       the event that a change amounts to
feed.py         positions in the feed
causes.py       the request behind a change
usage.py        what an owner uses
errors.py       everything that the service refuses to do
validation.py   Pydantic's errors as pointers and safe words
times.py        moments as they are kept and shown
json.py         JSON as it is written and read
"""
