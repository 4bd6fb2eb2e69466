"""The bodies of requests and answers, one module for each noun.

requests.py     bodies of requests about objects
objects.py  uploads.py  events.py  kinds.py  usage.py    answers
links.py  webhooks.py                                    requests and answers
scalars.py      texts and numbers that answers share
annotations.py  what a schema says beyond the type
"""
