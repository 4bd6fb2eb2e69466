"""The whole service on one machine.

__main__.py    the command `make run`: options, environment, signals
runtime.py     starts the functions and the API's server, and stops them in the right order
emulator.py    AWS as a child process, which runs launcher.py; the ports to listen on
template.py    template.yaml without what only AWS has
stack.py       deploys the template and describes the result
sources.py     feeds the worker from the queue, as Lambda does
stream.py      feeds the relay from the table's stream, as Lambda does
catch_up.py    announces the changes that the stream lost over a restart
invocation.py  the context of a handler, and the meaning of its answer
prometheus.py  the metrics, at /metrics
errors.py      the faults that are expected
"""
