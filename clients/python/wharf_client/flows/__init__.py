"""Each use of the API as a generator of steps.

A flow does no I/O: it yields what is to be sent, and is sent what came of it. So the blocking and the
asynchronous client share every rule, and a test needs no server.
"""
