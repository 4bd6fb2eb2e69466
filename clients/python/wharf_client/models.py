"""The JSON that the API answers with, under the names that the docs use.

`generated.py` is made of the API's own description, so a field is named as in the answer.
"""

from wharf_client.generated import CreatedOut, EventOut, FeedOut, ListedOut, ObjectOut, ObjectPage

Object = ObjectOut
#: The object, with `upload` while its payload is awaited.
CreatedObject = CreatedOut
ObjectSummary = ListedOut
Page = ObjectPage
#: A CloudEvent 1.0.
Event = EventOut
FeedPage = FeedOut

__all__ = ["CreatedObject", "Event", "FeedPage", "Object", "ObjectSummary", "Page"]
