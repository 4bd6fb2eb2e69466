"""DynamoDB and S3: repositories of one table each, and stores of files.

objects.py           objects, by conditional writes
items.py             an object as an item of the table, and back
attribute_values.py  values in DynamoDB's form, and back
recording.py         events, written to history, feed and counter at once
history.py           the events of one object, read and purged
feed.py              the events of one owner
usage.py             counters of what an owner uses
links.py             share links
watched.py           whether any of many items has changed
webhooks/            webhooks and their deliveries, in a table of their own
payloads.py          payloads and artifacts
parts.py             payloads that come in parts
set_aside.py         records of the stream that cannot be relayed
"""
