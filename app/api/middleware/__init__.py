"""Surrounds every request, from the outside to the inside.

security_headers.py  headers that restrict the browser
request.py           its id and trace
request_log.py       its line in the log
cors.py              which pages may call
body_limit.py        how large a body may be, and an answer to every fault
"""
