"""The routes, one module for each noun. A route holds no rule: signature, one call, one conversion.

objects.py  payloads.py  parts.py  artifacts.py  history.py  links.py    objects, and what belongs to one
events.py  kinds.py  usage.py  webhooks.py  deliveries.py               what else a caller has
health.py  problems.py  documentation.py  console.py                    the service itself
"""
