"""The table of webhooks.

webhooks.py    what the owner creates and changes
endpoints.py   which endpoints are due, and who looks at them
deliveries.py  what is to be sent, and the log
items.py       webhooks and deliveries as items of the table, and back
updates.py     the update of a webhook's item, on a condition
"""
