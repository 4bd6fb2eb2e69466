"""The use cases of operators: is the service ready, and repairs that somebody asks for.

readiness.py     the table and the bucket answer
redriving.py     try again what the service gave up
replaying.py     publish what was set aside
republishing.py  tell subscribers again
recounting.py    put counters of usage right
"""
