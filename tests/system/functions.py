"""Functions that the emulator runs itself, as AWS does, with the code of this checkout."""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from app.local.stack import Stack
from app.local.template import ROOT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CODE_BUCKET = "wharf-code"


def upload_code(s3: "S3Client", folder: Path = ROOT / "app") -> str:
    """Put `folder` where the emulator's functions can load it; return its URI, for `stack.deploy`.

    The key changes with the code, because a function is only renewed when its key is new.
    """
    archive = _zipped(folder)
    key = f"{hashlib.sha256(archive).hexdigest()}.zip"
    s3.create_bucket(Bucket=CODE_BUCKET)
    s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=archive)
    return f"s3://{CODE_BUCKET}/{key}"


def api_url(stack: Stack, endpoint: str) -> str:
    """Return where the emulator serves the stack's API Gateway; the output names AWS's own host."""
    return f"{endpoint}/_aws/execute-api/{stack.resources['RestApi']}/{stack.resources['ApiStage']}"


def _zipped(folder: Path) -> bytes:
    """Return the same bytes for the same files, whenever they were written."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                file.writestr(zipfile.ZipInfo(str(path.relative_to(folder.parent))), path.read_bytes())
    return archive.getvalue()
