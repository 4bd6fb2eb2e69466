"""Feeds the functions with messages and records, as Lambda's event source mappings do.

sources.py     from a queue, and from the clock
fairness.py    shares the workers among owners
relay.py       where the relay begins, what it announces first, and how it ends
stream.py      the relay, from the table's stream
place.py       keeps how far the relay has come in the stream
catch_up.py    announces the changes that the stream lost over a crash
leases.py      frees the leases of a run that is gone
invocation.py  a handler, its context, and the meaning of its answer
"""
