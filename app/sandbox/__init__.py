"""Runs processors in child processes, where a bad payload cannot harm the worker or see another payload.

    worker (holds credentials)                                client.py, talk.py
      └─ fork server: fixed environment, processors imported  server.py, fork.py, watch.py, pages.py
           └─ child: one task, locked in                      child.py, locks/

The child's memory, CPU time, wall clock, files and report are limited. It has no
credentials, no network and no other program to run, and cannot look into the
worker. Two locks close the rest: a list of the system calls that it may make, and
Landlock around the files. At its start the fork server tries both with the
processors' own samples, and leaves out one that stops them. Without Landlock, the
folders that it would close are emptied after each task (leftovers.py).

The worker checks from outside what the child leaves behind (verdict.py, bounds.py,
output.py). wire.py is what the three processes say to each other, and greeting.py
what the server says first. pool.py has a sandbox for each task that runs at once.
proc.py reads what the kernel tells of processes.

Where the kernel refuses a part of this, the sandbox works without it and logs
that once. The sandbox knows no kind of object; it shares the contract in
`processors/report.py` with the processors.
"""
