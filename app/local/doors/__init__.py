"""The doors of the local runtime: what may come in at the port of the API and at that of the emulator.

Any page that a developer visits can send requests to this machine. None of them may act here.

machine.py     the names and addresses of this machine, and the pages that may send requests to it
signatures.py  whether a request was signed with the secret of this run
keys.py        that secret, and the file in the data folder that holds it
aws_door.py    stands before the emulator, in its process: no socket leads past it
api_door.py    stands before the API
disk.py        whether the disk has room for what an upload brings
queues.py      what waits in the queues
"""
