"""The object that the examples are about, and when things happened to it."""

ID = "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"
CREATED_AT = "2026-03-01T09:30:00.000Z"
READY_AT = "2026-03-01T09:30:01.250Z"
EXPIRES_AT = "2026-03-01T09:45:00.000Z"
