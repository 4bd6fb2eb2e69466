"""What a declared media type says beside the type itself (RFC 9110, section 5.6.6)."""

import pytest

from app.domain.kinds import KINDS, base_media_type, media_type_parameters


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
