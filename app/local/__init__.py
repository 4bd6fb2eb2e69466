"""The whole service on one machine.

__main__.py    the command `make run`: options, environment, signals
runtime.py     starts the functions and the API, and stops them in the right order
server.py      the API under uvicorn
aws/           the emulator, and the stack that is deployed there
feeding/       feeds the functions, as Lambda does
doors/         what may come in at the ports
prometheus.py  the metrics, at /metrics
running.py     says in the data folder where a run answers
settings.py    what a person may set, checked before anything starts
disk_watch.py  tells that the disk is full
errors.py      the faults that are expected
"""
