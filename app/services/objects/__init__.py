"""The use cases of clients: objects, their payloads, and links to them.

creating.py   create an object
reading.py    read one, or a list
editing.py    change or delete one, or give it a new payload
uploads.py    how a payload comes in
parts.py      a payload that comes in parts
downloads.py  URLs of payloads and artifacts
sharing.py    share links
quotas.py     limits on what an owner uses
"""
