"""The use cases of webhooks: owners manage them and their deliveries; the sender fans events out.

managing.py      create, read, change, delete
delivery_log.py  read the log, test, send again
fanning_out.py   from an event to its deliveries
"""
