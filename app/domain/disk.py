"""The files that a payload becomes on the worker's disk.

It is apart from the kinds, which load Pydantic: each child of the sandbox begins as a copy of what is loaded.
"""

#: A payload is unpacked or decoded, written anew, and written as an artifact while its processor
#: spills: four files at once, each as large as the unpacked payload may be.
FILES_AT_ONCE = 4
