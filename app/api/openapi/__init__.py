"""The API's description.

document.py  from signatures and contracts
by_kind.py   objects told apart by their kind
security.py  how callers prove who they are
tidy.py      for readers and generators
examples/    of requests and answers
"""
