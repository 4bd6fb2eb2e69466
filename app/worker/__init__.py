"""The SQS edge: messages of the work queue in, use cases called.

batch.py     a batch of messages, or a sweep for the clock
dispatch.py  the use case of a message
"""
