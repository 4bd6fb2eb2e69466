"""EventBridge and SQS.

event_bus.py     publishes events
messages.py      what the messages in the work queue say
work_queue.py    sends them
dead_letters.py  reads and empties the queue of those that failed
sender_queue.py  what the messages to the sender say; sends them
"""
