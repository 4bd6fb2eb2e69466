"""Wharf: an event-driven object service. The map of its rooms; imports point downwards.

local                                     the whole system on one machine
lambda_api   lambda_worker   lambda_relay     one entry point for each function
bootstrap                                 makes adapters and composes services from them
api          worker                       the edges: HTTP, SQS
services                                  the use cases
storage      messaging       sandbox      DynamoDB and S3, EventBridge and SQS, locked-in processes
processors   aws                          what is read from a file; how AWS clients are made
domain       config          observability
"""
