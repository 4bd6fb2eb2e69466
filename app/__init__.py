"""Wharf: an event-driven object service. The map of its rooms; imports point downwards.

local                        the whole system on one machine
lambda_api  lambda_worker  lambda_relay      one entry point per function
bootstrap                    builds clients, repositories and services
api       worker             the edges: HTTP, SQS
services                     the use cases
storage   messaging   processors             DynamoDB and S3, EventBridge and SQS, files
aws                          how clients are made, which faults pass
domain    config   observability
"""
