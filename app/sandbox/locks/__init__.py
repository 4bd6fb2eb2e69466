"""The locks that a child puts on itself.

kernel.py                      prctl, capabilities and seccomp, by ctypes
filters.py, system_calls.py    which system calls it may make
landlock.py                    which files, ports and processes it may reach
optional.py                    the two that may stop a processor, and can be left out
self_check.py, trials.py       try them with the processors' own samples
"""
