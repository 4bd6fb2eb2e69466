"""The HTTP methods that the API knows."""

#: The methods by which clients call operations.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
#: The methods of route decorators. HEAD has none: it is answered wherever GET is.
ROUTED = tuple(method for method in METHODS if method != "HEAD")
#: The methods that log lines may name. The app itself answers OPTIONS.
LOGGED = (*METHODS, "OPTIONS")
