"""The composition root: adapters from settings, services from adapters.

The only place that makes clients, repositories and services; tests use it too.

adapters.py     what reaches AWS, and the sandbox
api.py          what the routes call
worker.py  relay.py  sender.py    what these functions do with what they receive
operations.py   what operators run from scripts/ops

Each function has a module of its own, so that the worker and the relay never load
FastAPI, the API never loads DuckDB, and each bundle holds only what its function composes.
"""
