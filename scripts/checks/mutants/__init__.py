"""Takes away one control after the other, and demands that the tests named for it fail.

row.py         a row: the control's text, what replaces it, the tests that must fail
doors.py       rows of what stands before the emulator and the API on one machine
service.py     rows of what holds for every caller: owners, bounds, conditions, limits
calls.py       rows of calls to DynamoDB
links.py       rows of what a share link opens, and until when
parts.py       rows of uploads in parts
telling.py     rows of what the log, a refusal and the history tell
background.py  rows of the worker's messages, attempts and purges, and of what a picture keeps
reports.py     rows of what a child may report
sandbox.py     rows of what holds for a payload and for a parser that was taken over
locks.py       rows of what a child may do: system calls, files, and the check of both at the start
webhooks.py    rows of where webhooks may go, and of what their receivers can do
pages.py       rows of what a browser may do with the console's page
clients.py     rows of what protects who uses a client
deployed.py    rows of the template, the locks and the workflows
trial.py       tries rows in a copy of the tree
__main__.py    the command
"""
