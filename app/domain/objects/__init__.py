"""An object.

stored.py  StoredObject: each transition is a method
state.py   ObjectState, what is stored of it, and ObjectSummary, what lists show
values.py  the values that it is made of: status, revision, payload, artifact, lease
views.py   the object as its owner sees it, over HTTP and in events
links.py   links by which others open its file, for a while
"""
