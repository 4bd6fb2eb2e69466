"""Wharf: an event-driven object service. The map of its rooms; imports point downwards.

local                                     the whole system on one machine
lambda_api  lambda_worker  lambda_relay  lambda_sender    one entry point for each function
bootstrap                                 makes adapters and composes services from them
api          worker          sender       the edges: HTTP, SQS, webhooks
services                                  the use cases
storage      messaging       sandbox      DynamoDB and S3, EventBridge and SQS, locked-in processes
processors   aws                          what is read from a file; how AWS clients are made
domain  config  observability             values and rules, settings, logs and metrics
quick_start                               how a function starts faster
"""
