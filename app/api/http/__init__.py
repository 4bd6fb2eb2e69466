"""HTTP itself, without a word about objects.

route.py          the class of every route
bodies.py         strict JSON
methods.py        the methods that the API knows
accept.py         which answers a client accepts
preconditions.py  entity tags
preferences.py    `Prefer: wait`
downloads.py      a redirect to S3, or its URL
"""
