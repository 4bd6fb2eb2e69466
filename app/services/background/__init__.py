"""The use cases of the worker: it processes payloads, and puts right or removes what time has passed.

processing.py  one payload, from claim to verdict
workspaces.py  the folder on disk that it has
completing.py  puts the parts of an upload together
purging.py     removes what nobody needs
sweeping.py    puts right what is overdue
"""
