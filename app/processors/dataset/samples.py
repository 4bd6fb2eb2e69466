"""A small table in each form."""

from base64 import b64decode
from gzip import compress

from app.domain.media_types import PARQUET
from app.processors.report import Sample

CSV = b"name,born,height\nAda,1815-12-10,1.65\nAlan,1912-06-23,1.78\n"
NDJSON = b'{"name": "Ada", "height": 1.65}\n{"name": "Alan", "height": 1.78}\n'

SAMPLES = (
    Sample("text/csv", CSV),
    Sample("text/csv", compress(CSV)),
    Sample("application/x-ndjson", NDJSON),
    Sample("application/json", b"[%b]" % b",".join(NDJSON.splitlines())),
    Sample(
        PARQUET,
        b64decode(
            """
            UEFSMRUAFQgVDCwVAhUAFQYVBgAABAwBAAAAFQAVChUOLBUCFQAVBhUGAAAFEAEAAAB4FQIZPDUAGA1kdWNrZGJfc2No
            ZW1hFQQAFQIlABgBYSUiABUMJQAYAWIlAAAWAhkcGSwmABwVAhkVABkYAWEVAhYCFioWLiYIPBgEAQAAABgEAQAAABYA
            KAQBAAAAGAQBAAAAEREAGRwVABUAFQIAAAAmABwVDBkVABkYAWIVAhYCFiwWMCY2PBgBeBgBeBYAKAF4GAF4EREAGRwV
            ABUAFQIAAAAWVhYCJggWXgAoKER1Y2tEQiB2ZXJzaW9uIHYyLjAuMCAoYnVpbGQgZDU0Y2JiZTNkZikZLBwAABwAAADg
            AAAAUEFSMQ==
            """
        ),
    ),
)
