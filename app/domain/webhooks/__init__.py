"""A webhook.

webhook.py     what its owner wants to be told of, its secrets, and how its endpoint has done
deliveries.py  one event on its way to one webhook
endpoints.py   where a webhook may go
"""
