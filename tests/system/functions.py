"""Functions that the emulator runs itself, as AWS does, with the code of this checkout."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samtranslator.yaml_helper import yaml_parse

from app.local.aws.stack import STACK_NAME, Stack, apply, revision_of, stack_at
from app.local.aws.template import FUNCTION, ROOT, TEMPLATE, local_template

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CODE_BUCKET = "wharf-code"


def upload_code(s3: "S3Client", folder: Path = ROOT / "app") -> str:
    """Put `folder` where the emulator's functions can load it; return its URI, for `deploy`.

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


def deploy(
    cloudformation: Any,
    *,
    name: str = STACK_NAME,
    code_uri: str | None = None,
    parameters: Mapping[str, str] | None = None,
) -> Stack:
    """Deploy the stack of a stage; with `code_uri`, the emulator itself runs and feeds its functions."""
    given = {**(parameters or {}), "Polling": "on" if code_uri else "off"}
    given["Revision"] = revision_of(code_uri or "", given)
    template = local_template(given["Revision"])
    if code_uri:
        put_code(template, code_uri)
    apply(cloudformation, name, json.dumps(template, separators=(",", ":")), given)
    return stack_at(cloudformation, name)


def put_code(template: dict[str, Any], code_uri: str) -> None:
    """Put the functions' code in the place of the placeholders."""
    written = yaml_parse(TEMPLATE.read_text())["Resources"]
    for name, function in template["Resources"].items():
        if function["Type"] == FUNCTION:
            del function["Properties"]["InlineCode"]
            function["Properties"] |= {"CodeUri": code_uri, "Handler": written[name]["Properties"]["Handler"]}
