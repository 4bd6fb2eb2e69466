"""The parameters beside the type in a declared media type (RFC 9110, section 5.6.6), and its other names."""

import pytest

from app.domain.errors import InvalidInput
from app.domain.kinds import KINDS, Kind
from app.domain.media_types import (
    ALIASES,
    UNDECLARED,
    base_media_type,
    declared_or_not,
    meant_media_type,
    media_type_parameters,
    shown_media_type,
)

#: The kinds that find out a type by the content. That of `file` takes any; others say so by `open_types`.
CAN_TELL = ["file", *(kind.name for kind in KINDS.values() if UNDECLARED in kind.open_types)]


@pytest.mark.parametrize(
    ("media_type", "parameters"),
    [
        ("text/csv", {}),
        ("text/plain;", {}),
        ("text/csv; Charset=windows-1251; header=absent", {"charset": "windows-1251", "header": "absent"}),
        ('text/csv;charset="UTF-8"', {"charset": "UTF-8"}),
        (r'text/csv; a="\"x\"; charset=b"; c=d', {"a": '"x"; charset=b', "c": "d"}),
        ("text/csv;;charset=x", {"charset": "x"}),
        ("text/csv; charset = koi8-r", {"charset": "koi8-r"}),
        ("text/csv; charset=; header", {}),
        ("text/csv; charset=a; charset=b", {"charset": "a"}),
    ],
)
def test_parameters_have_lower_case_names_and_no_quotes(media_type: str, parameters: dict[str, str]) -> None:
    assert media_type_parameters(media_type) == parameters


@pytest.mark.parametrize("media_type", ["text/plain;", "Text/Plain ; charset=utf-8", "text/plain; a=b; c=d"])
def test_a_kind_looks_at_the_type_alone(media_type: str) -> None:
    assert base_media_type(media_type) == "text/plain"
    KINDS["document"].check_payload(media_type, 1)


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("image", "image/jpg"),
        ("dataset", "application/csv"),
        ("dataset", "text/x-csv; header=present"),
        ("dataset", "application/vnd.ms-excel"),
        ("dataset", "application/x-gzip"),
        ("dataset", "application/json"),
        *((kind, name) for kind in CAN_TELL for name in ("", "application/octet-stream")),
    ],
)
def test_a_kind_takes_types_as_people_send_them(kind: str, media_type: str) -> None:
    KINDS[kind].check_payload(media_type, 1)


@pytest.mark.parametrize("media_type", ["", "application/octet-stream", "text/plain"])
def test_a_kind_that_cannot_tell_names_the_types_that_would_do(media_type: str) -> None:
    sound = Kind(
        name="sound",
        description="",
        processor="sound",
        media_types=frozenset({"audio/wav", "audio/flac"}),
        size_limit=9,
    )

    with pytest.raises(InvalidInput) as refused:
        sound.check_payload(media_type, 1)

    assert [error.detail for error in refused.value.errors] == [
        "The kind sound accepts: audio/flac, audio/wav."
    ]


def test_another_name_means_a_type_and_not_another_name() -> None:
    assert ALIASES.keys().isdisjoint(ALIASES.values())


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("", "application/octet-stream"),
        ("; charset=utf-8", "application/octet-stream"),
        ("IMAGE/JPG; q=1", "image/jpeg"),
        ("image/jpeg", "image/jpeg"),
        ("a/b", "a/b"),
    ],
)
def test_a_type_is_taken_by_what_it_means(sent: str, meant: str) -> None:
    assert meant_media_type(sent) == meant


def test_a_type_that_was_not_sent_is_that_of_bytes() -> None:
    assert [declared_or_not(sent) for sent in ("", " ", "Text/CSV; a=b")] == [
        "application/octet-stream",
        "application/octet-stream",
        "Text/CSV; a=b",
    ]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("text/csv", "text/csv"),
        ("text/csv;", "text/csv"),
        ("text/csv ;; ", "text/csv"),
        ("text/csv;charset=utf-8;header=present", "text/csv; charset=utf-8; header=present"),
        ("Text/CSV ; Charset=UTF-8", "text/csv; charset=UTF-8"),
        ("text/csv; Charset = utf-8 ;", "text/csv; charset=utf-8"),
        ('text/csv; charset="utf-8"', "text/csv; charset=utf-8"),
        ("text/csv; charset=; header; charset=x; CHARSET=x", "text/csv; charset=x"),
        (r'a/b; note="a, \"b\" \c\\"', r'a/b; note="a, \"b\" c\\"'),
        ("a/b; at=<x>", 'a/b; at="<x>"'),
        ("IMAGE/JPG", "image/jpg"),
    ],
)
def test_a_type_is_shown_in_one_spelling(sent: str, shown: str) -> None:
    found = base_media_type(sent)

    assert shown_media_type(sent, found) == shown
    assert shown_media_type(shown, found) == shown
    assert media_type_parameters(shown) == media_type_parameters(sent)


@pytest.mark.parametrize(
    ("declared", "found", "shown"),
    [
        ("Image/PNG", "image/png", "image/png"),
        ("Text/CSV;Charset=koi8-r;", "text/csv", "text/csv; charset=koi8-r"),
        ("image/jpg", "image/jpeg", "image/jpeg"),
        ("application/csv; header=absent", "text/csv", "text/csv; header=absent"),
        ("application/octet-stream;", "video/mp4", "video/mp4"),
    ],
)
def test_what_is_shown_is_what_was_found(declared: str, found: str, shown: str) -> None:
    assert shown_media_type(declared, found) == shown
