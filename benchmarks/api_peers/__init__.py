"""Wharf's two busiest operations as one writes them with other tools: create a record, read it by its id.

* with_boto3          a handler without a framework
* with_chalice        Chalice
* with_powertools     Powertools for AWS Lambda: its resolver, idempotency and logger
* with_fastapi        FastAPI through Mangum, as their documentation shows
* relay_with_boto3    publishes the changes of a table, without a framework
* worker_with_boto3   reads the object that an uploaded file belongs to, without a framework

A create checks its body, and is safe to repeat with one `Idempotency-Key`. All keep the same item, so
they differ in what the tool does. Each is a file of its own that imports nothing of Wharf, and runs in
`.venv-peers-api`. `benchmarks.api` measures them.
"""
