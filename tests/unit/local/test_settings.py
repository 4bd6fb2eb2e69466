"""Settings that are misspelt or make no sense are refused in one line, which says what is right."""

import pytest

from app.config import ConfigurationError
from app.local.doors.machine import OWN_ORIGINS
from app.local.errors import CannotStart
from app.local.settings import KNOWN, check

GOOD = {
    "ADMIN_OWNERS": "local-boss, local-me",
    "WEBHOOKS": "on",
    "KEY_OWNERS": "{}",
    "LEASE_SECONDS": "60",
    "UPLOAD_SECONDS": "60",
    "DOWNLOAD_SECONDS": "60",
}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MAX_OBJECT", "MAX_OBJECTS"),
        ("MAX_BYTE", "MAX_BYTES"),
        ("CORS_ORIGIN", "CORS_ORIGINS"),
        ("CORSORIGINS", "CORS_ORIGINS"),
        ("PROT", "PORT"),
        ("DATA_DIRR", "DATA_DIR"),
        ("LEASE_SECOND", "LEASE_SECONDS"),
        ("PUBLIC_S3_ULR", "PUBLIC_S3_URL"),
        ("ADMIN_OWNER", "ADMIN_OWNERS"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_right_one(name: str, meant: str) -> None:
    with pytest.raises(CannotStart, match=rf"There is no setting {name}\. If you mean {meant}, "):
        check({name: "1"})


def test_every_setting_passes_and_so_does_every_name_with_a_letter_missing() -> None:
    for name in set(KNOWN) - {"CORS_ORIGINS", "PUBLIC_S3_URL"}:
        check({name: GOOD.get(name, "1")})
        if len(name) > 4:
            with pytest.raises(CannotStart):
                check({name[:-1]: "1"})


def test_the_variables_of_others_pass() -> None:
    others = """
        AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3 AWS_PROFILE AWS_REGION COLORTERM DATADIR
        DBUS_SESSION_BUS_ADDRESS DISPLAY EDITOR GPG_AGENT_INFO HOME HOST HOSTNAME HTTP_PROXY
        JAVA_HOME KUBERNETES_PORT LANG LOGLEVEL LOGNAME LS_COLORS MAKEFLAGS MAKELEVEL MAKE_TERMERR
        MFLAGS OLDPWD PATH PGDATA PGPORT PIP_CACHE_DIR POSTGRES_PORT PS1 PWD PYTHONPATH PYTHON
        SHELL SHLVL SSH_AUTH_SOCK STAGE TERM TMPDIR USER VIRTUAL_ENV WORKERS XDG_DATA_DIRS
        XDG_RUNTIME_DIR POWERTOOLS_LOG_LEVEL LOG_DIR DATABASE_URL SERVER_PORT REDIS_PORT
        MAX_MEMORY LIST_STYLE
    """
    check(dict.fromkeys(others.split(), "1"))


@pytest.mark.parametrize(
    "url",
    [
        "banana",
        "",
        "http://",
        "ftp://a",
        "//a:1",
        "http://a b",
        "http://a/b",
        "http://a?b",
        "http://u@a",
        "a:1",
    ],
)
def test_a_public_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(CannotStart, match=r"^PUBLIC_S3_URL must be a scheme and a host, like "):
        check({"PUBLIC_S3_URL": url})


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("DATA_DIR", "", r"^DATA_DIR must name a folder, like \.local\.$"),
        ("ADMIN_OWNERS", "local-me,boss", "^ADMIN_OWNERS must be owners like local-boss, not boss"),
    ],
)
def test_a_value_that_would_do_nothing_or_harm_is_refused(name: str, value: str, told: str) -> None:
    with pytest.raises(CannotStart, match=told):
        check({name: value})


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:14566", "https://s3.example/", "http://[::1]:4566", "http://minio"]
)
def test_others_pass(url: str) -> None:
    check({"PUBLIC_S3_URL": url})


@pytest.mark.parametrize(
    "origins",
    [
        "app.example",
        "https://app.example,other",
        "https://app.example/",
        "https://*.example",
        "null",
        "app:80",
    ],
)
def test_origins_that_no_page_has_are_refused(origins: str) -> None:
    with pytest.raises(CannotStart, match=r"^CORS_ORIGINS must be \* or origins like "):
        check({"CORS_ORIGINS": origins})


@pytest.mark.parametrize(
    "origins", ["*", "https://app.example, http://localhost:5173", "http://localhost:*", ""]
)
def test_origins_of_pages_pass(origins: str) -> None:
    check({"CORS_ORIGINS": origins})


def test_by_default_the_pages_of_this_machine_may_call_and_clients_may_wait() -> None:
    environment: dict[str, str] = {}
    check(environment)

    assert environment == {"CORS_ORIGINS": OWN_ORIGINS, "MAX_WAIT_SECONDS": "20"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAX_OBJECTS", "ten"), ("UPLOAD_SECONDS", "1"), ("KEY_OWNERS", "{"), ("MAX_ATTEMPTS", "0")],
)
def test_a_value_out_of_range_is_refused_by_the_name_of_its_setting(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^Wrong environment: {name}: "):
        check({name: value})
