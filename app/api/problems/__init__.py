"""From errors to answers (RFC 9457).

catalogue.py  the one table: status, code, title, advice
details.py    the body of a problem
examples.py   one of each problem
handlers.py   turn every error into a problem
pointers.py   to the place in the body that was sent
"""
