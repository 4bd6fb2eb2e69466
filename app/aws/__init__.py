"""The clients of AWS, and which of its faults are transient.

clients.py    makes each client, when it is first used
sdk.py        botocore, as this service configures it
dynamodb.py   DynamoDB without botocore, for functions that a client of ours waits for
signature.py  the signature of its requests
connections.py  the connections that they are sent on
counting.py   counts and logs each call
faults.py     faults that pass, and calls that are repeated
"""
