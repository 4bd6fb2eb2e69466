"""The settings of a run, as a person gives them: each is checked, and no misspelt one is passed over."""

import re
from collections.abc import Mapping, MutableMapping
from difflib import SequenceMatcher
from pathlib import Path
from urllib.parse import urlsplit

from app.config import ApiSettings, WorkerSettings, between_commas
from app.local.doors.machine import ORIGIN, OWN_ORIGINS
from app.local.errors import CannotStart

#: Settings that a person may give to `make run`, and the stack's parameters for them.
PARAMETERS = {
    "CORS_ORIGINS": "CorsOrigins",
    "DEBUG_SAMPLE_RATE": "DebugSampleRate",
    "DOWNLOAD_SECONDS": "DownloadSeconds",
    "KEY_OWNERS": "KeyOwners",
    "LEASE_SECONDS": "LeaseSeconds",
    "LIST_SHARDS": "ListShards",
    "LOG_LEVEL": "LogLevel",
    "MAX_ATTEMPTS": "MaxAttempts",
    "MAX_BYTES": "MaxBytes",
    "MAX_OBJECTS": "MaxObjects",
    "MAX_WAIT_SECONDS": "MaxWaitSeconds",
    "MULTIPART_HOURS": "MultipartHours",
    "UPLOAD_SECONDS": "UploadSeconds",
    "WEBHOOKS": "Webhooks",
}
#: Settings that the template's rules refuse in the AuthMode that is deployed here.
THIS_PROCESS_ONLY = ("ADMIN_OWNERS",)
#: The rest of what a person may give, to make or in the environment.
OPTIONS = ("AWS_PORT", "DATA_DIR", "LOG_FILE", "LOG_FORMAT", "PORT", "PUBLIC_S3_URL")
KNOWN = (*PARAMETERS, *THIS_PROCESS_ONLY, *OPTIONS)
#: Other programs' variables that look like ours.
OF_OTHERS = frozenset({"DATADIR", "LOGFILE", "LOGLEVEL"})
#: From this likeness on, on a scale from 0 to 1, one name counts as the other misspelt.
ALIKE = 0.85

#: Settings that the stack gives.
OF_THE_STACK = {
    "AUTH_MODE": "local",
    "BUCKET_NAME": "-",
    "BUS_NAME": "-",
    "DEAD_LETTER_QUEUE_URL": "-",
    "QUEUE_URL": "-",
    "SENDER_QUEUE_URL": "-",
    "TABLE_NAME": "-",
    "WEBHOOKS_TABLE_NAME": "-",
}

#: A client that waits costs nothing here.
MAX_WAIT_SECONDS = "20"

LOG_FILE = "log.jsonl"
LOG_LEVELS = ("DEBUG", "INFO")
SWITCH = ("on", "off")
RATE = re.compile(r"0(\.\d+)?|1(\.0+)?")


def check(environment: MutableMapping[str, str]) -> None:
    """Raise CannotStart or ConfigurationError if a setting is misspelt or makes no sense."""
    refuse_misspelt(environment)
    for kind in (ApiSettings, WorkerSettings):
        kind.from_environment({**environment, **OF_THE_STACK})
    url = environment.get("PUBLIC_S3_URL")
    if url is not None and not _is_base(url):
        raise CannotStart("PUBLIC_S3_URL must be a scheme and a host, like http://127.0.0.1:14566.")
    if environment.get("DATA_DIR") == "":
        raise CannotStart("DATA_DIR must name a folder, like .local.")
    for owner in between_commas(environment.get("ADMIN_OWNERS", "")):
        if not owner.startswith("local-"):
            raise CannotStart(f"ADMIN_OWNERS must be owners like local-boss, not {owner}.")
    environment.setdefault("MAX_WAIT_SECONDS", MAX_WAIT_SECONDS)
    if environment.get("WEBHOOKS", "on") not in SWITCH:
        raise CannotStart("WEBHOOKS must be on or off.")
    environment.setdefault("CORS_ORIGINS", OWN_ORIGINS)
    for origin in between_commas(environment["CORS_ORIGINS"]):
        if origin != "*" and not ORIGIN.fullmatch(origin):
            raise CannotStart(f"CORS_ORIGINS must be * or origins like https://app.example, not {origin}.")


def refuse_misspelt(environment: Mapping[str, str]) -> None:
    for name in sorted(set(environment) - set(KNOWN) - OF_OTHERS):
        for known in KNOWN:
            has_its_letters = sorted(name) == sorted(known)
            if has_its_letters or SequenceMatcher(None, name, known).ratio() >= ALIKE:
                raise CannotStart(
                    f"There is no setting {name}. If you mean {known}, call it so; else unset it."
                )


def set_logging(environment: MutableMapping[str, str], folder: Path) -> None:
    """Set up lines for a person on the terminal, and in a file the JSON lines that AWS would get.

    Raises CannotStart if a setting is invalid.
    """
    environment.setdefault("LOG_FORMAT", "text")
    environment.setdefault("LOG_FILE", str(folder / LOG_FILE))
    level = environment.get("LOG_LEVEL", "INFO")
    if level not in LOG_LEVELS:
        raise CannotStart(f"LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}.")
    environment["POWERTOOLS_LOG_LEVEL"] = level
    rate = environment.get("DEBUG_SAMPLE_RATE", "0")
    if not RATE.fullmatch(rate):
        raise CannotStart("DEBUG_SAMPLE_RATE must be a number from 0 to 1.")
    environment["POWERTOOLS_LOGGER_SAMPLE_RATE"] = rate


def _is_base(url: str) -> bool:
    """True if a URL is a scheme and a host, and a port if need be."""
    try:
        parts = urlsplit(url)
        return ORIGIN.fullmatch(url.removesuffix("/")) is not None and parts.port != 0
    except ValueError:
        return False
