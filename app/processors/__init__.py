"""What Wharf does with a payload: a file on disk in, a report and artifacts out.

report.py        the contract: Task in, Report out
media_types.py   what a file is, and the check of its type that every kind makes
texts.py         which encoding a text is in, and its characters
file.py          one module or folder per kind
document/
dataset/
image/

A processor knows neither the cloud nor the sandbox that it runs in.
"""
