"""The whole service on one machine.

emulator.py   AWS as a child process (launcher.py is what runs in it)
template.py   template.yaml, less what only AWS has
stack.py      deploys it and describes what came of it
sources.py    feeds the worker from the queue, as Lambda does
stream.py     feeds the relay from the table's stream, as Lambda does
catch_up.py   announces what the stream lost over a restart
invocation.py calls a handler: its context, and what it answers
server.py     the API under uvicorn
prometheus.py what is measured, at /metrics
__main__.py   starts all of it, and stops it in the right order
"""
