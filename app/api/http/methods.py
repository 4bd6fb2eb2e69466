"""The HTTP methods that the API knows."""

#: What a client calls operations with.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
#: What a route is declared with; HEAD is answered wherever GET is.
ROUTED = tuple(method for method in METHODS if method != "HEAD")
#: What the log names; the app itself answers OPTIONS.
LOGGED = (*METHODS, "OPTIONS")
