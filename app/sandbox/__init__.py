"""Runs processors where a bad payload can only harm itself.

    worker (holds credentials)                                client.py
      └─ fork server: fixed environment, processors imported  server.py, fork.py
           └─ child: one task, locked in                      child.py, kernel.py

The child's memory, CPU time, wall clock, files and report are limited. It has no
credentials, no network and no other program to run, and cannot look into the
worker. The worker checks from outside what the child leaves behind (verdict.py,
output.py). wire.py is what the three processes say to each other.

Where the kernel refuses a part of this, the sandbox works without it and logs
that once. The sandbox knows no kind of object; it shares the contract in
`processors/report.py` with the processors.
"""
