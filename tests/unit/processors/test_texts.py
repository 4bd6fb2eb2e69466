"""The encoding of a text, whichever kind reads it, and what no text may hold."""

import codecs
import struct
from pathlib import Path

import pytest

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors import texts
from app.processors.texts import EncodedText, byte_order_mark, is_empty, looks_like_text, recognise_text

SENTENCE = "Größe: 5 €\n"
RUSSIAN = "Имя;Город\nИван;Москва\nОльга;Тверь\n"
JAPANESE = "名前,備考\n東京,お得意様です\n大阪,カタカナ\n"
ADVICE = "Declare the charset in the media type, as in text/csv; charset=windows-1251."

NOT_THROUGHOUT = f"The text is not UTF-8 throughout, and its encoding cannot be told. {ADVICE}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def recognised(
    file: Path, payload: bytes, charset: str | None = None, *, must_be_unicode: bool = False
) -> EncodedText:
    file.write_bytes(payload)
    return recognise_text(file, charset, must_be_unicode=must_be_unicode)


def content(text: EncodedText) -> str:
    return "".join(text.pieces())


def refusal(file: Path, payload: bytes, charset: str | None = None, *, must_be_unicode: bool = False) -> str:
    with pytest.raises(InvalidPayload) as refused:
        recognised(file, payload, charset, must_be_unicode=must_be_unicode)
    assert refused.value.code == ProblemCode.INVALID_CONTENT
    return refused.value.detail


# Unicode


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("marks", [1, 2])
def test_byte_order_marks_name_the_encoding_and_are_removed(file: Path, encoding: str, marks: int) -> None:
    text = recognised(file, ("\ufeff" * marks + SENTENCE).encode(encoding))

    assert (text.encoding, text.is_guessed, text.replaced) == (encoding, False, 0)
    assert content(text) == SENTENCE


def test_a_character_that_only_looks_like_a_mark_is_kept_inside(file: Path) -> None:
    assert content(recognised(file, "a\ufeffb".encode("utf-8-sig"))) == "a\ufeffb"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("sentence", [SENTENCE, RUSSIAN, JAPANESE])
def test_unicode_is_recognised_without_a_mark(file: Path, encoding: str, sentence: str) -> None:
    text = recognised(file, sentence.encode(encoding))

    assert (text.encoding, text.is_guessed) == (encoding, encoding != "utf-8")
    assert content(text) == sentence


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("letters", ["x123", "αβγδ", "性男女男", "一二三", "яба"])
def test_lines_of_one_character_show_their_encoding(
    file: Path, encoding: str, line_end: str, letters: str
) -> None:
    sentence = "".join(letter + line_end for letter in letters)
    text = recognised(file, sentence.encode(encoding))

    assert (content(text), text.encoding) == (sentence, encoding)
    assert looks_like_text(file.read_bytes())


@pytest.mark.parametrize(("first", "step"), [(300, 1), (300, 7), (300, 97), (300, 12_345), (20_000, 50)])
def test_numbers_of_four_bytes_are_not_text(first: int, step: int) -> None:
    assert not looks_like_text(struct.pack("<200i", *range(first, first + 200 * step, step)))


@pytest.mark.parametrize("payload", [b"abcd\0\0\0\0", b"a\0\0\0"])
def test_text_filled_up_with_nuls_is_not_utf_32(file: Path, payload: bytes) -> None:
    assert refusal(file, payload) == "Line 1 holds a NUL character."


@pytest.mark.parametrize(
    ("payload", "encoding"),
    [
        (codecs.BOM_UTF8 + b"a" * 70_000 + b"\xff", "UTF-8"),
        (codecs.BOM_UTF16_LE + b"a\0" * 40_000 + b"\x00\xd8a\0", "UTF-16-LE"),
        (codecs.BOM_UTF16_BE + b"\0a" * 40_000 + b"\0", "UTF-16-BE"),
        (codecs.BOM_UTF32_LE + b"a\0\0\0\0\0\0\1", "UTF-32-LE"),
    ],
)
def test_a_text_must_be_what_its_mark_says(file: Path, payload: bytes, encoding: str) -> None:
    detail = f"The byte order mark says {encoding}, but the text is not valid {encoding}."

    assert refusal(file, payload) == detail


def test_a_text_that_began_as_utf_16_must_go_on_so(file: Path) -> None:
    assert refusal(file, b"a\0" * 40_000 + b"\x00\xd8a\0") == "The text is not valid UTF-16-LE."


@pytest.mark.parametrize(
    ("payload", "line"),
    [
        (b"a" * 70_000 + b"\0", 1),
        ("a\0b".encode("utf-16"), 1),
        (b"a\n" * 600_000 + b"\0\n\0", 600_001),
        (b"a\nb\0", 2),
        (("é" * 40_000 + "\n\0").encode("cp1252"), 2),
        (codecs.BOM_UTF8 + b"a\n\nb\0", 3),
    ],
)
def test_nul_characters_are_refused_wherever_they_are(file: Path, payload: bytes, line: int) -> None:
    assert refusal(file, payload) == f"Line {line} holds a NUL character."


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", True),
        (codecs.BOM_UTF8, True),
        (codecs.BOM_UTF8 * 2, True),
        (codecs.BOM_UTF16_LE, True),
        (codecs.BOM_UTF32_BE, True),
        (codecs.BOM_UTF8 + b"a", False),
    ],
)
def test_a_mark_alone_is_no_content(file: Path, payload: bytes, expected: bool) -> None:
    file.write_bytes(payload)

    assert is_empty(file) is expected


# Damaged UTF-8


@pytest.mark.parametrize("bad", [b"\xe9", b"\xe2\x82", b"\xff"])
@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 1000])
def test_a_bad_byte_among_ten_good_characters_is_one_replacement(
    file: Path, monkeypatch: pytest.MonkeyPatch, bad: bytes, chunk_bytes: int
) -> None:
    monkeypatch.setattr(texts, "CHUNK_BYTES", chunk_bytes)

    text = recognised(file, "José €\n".encode() * 5 + b"Jos" + bad + b"\n")

    assert (text.encoding, text.is_guessed, text.replaced) == ("utf-8", True, 1)
    assert content(text) == "José €\n" * 5 + "Jos\ufffd\n"


def test_a_file_cut_within_a_character_ends_in_a_replacement(file: Path) -> None:
    text = recognised(file, "日本語".encode() * 10 + "本".encode()[:2])

    assert (content(text), text.replaced) == ("日本語" * 10 + "\ufffd", 1)


def test_replacement_characters_of_the_text_itself_are_not_counted(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = "Jos\ufffd\n".encode() * 20 + b"\xe9\xe9\n"

    for chunk_bytes in (1, 2, 3, 5, 1000):
        monkeypatch.setattr(texts, "CHUNK_BYTES", chunk_bytes)
        assert recognised(file, payload).replaced == 2

    assert recognised(file, payload[:120]).replaced == 0


def test_a_mark_makes_damaged_utf_8_sure(file: Path) -> None:
    text = recognised(file, codecs.BOM_UTF8 + "é".encode() * 10 + b"\xe9")

    assert (text.is_guessed, text.replaced, content(text)) == (False, 1, "é" * 10 + "\ufffd")


def test_a_mixture_of_two_encodings_is_refused(file: Path) -> None:
    payload = "José\n".encode() * 3 + b"Jos\xe9\n"

    assert refusal(file, payload) == NOT_THROUGHOUT


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("gb18030", "1,Beijing 北京\n"), ("cp949", "1,한국\n"), ("cp874", "1,ยา\nขวด\n"), ("cp932", "1,ﾃｽﾄ\n")],
)
def test_a_text_that_is_utf_8_by_chance_is_not_called_a_mixture(file: Path, encoding: str, text: str) -> None:
    assert refusal(file, text.encode(encoding)).endswith(f"its encoding cannot be told. {ADVICE}")


@pytest.mark.parametrize(
    ("payload", "replaced"),
    [
        ("G\xf6teborg,\xc5sa\nV\xe4ster\xe5s,\xc5sa\n".encode() + b"\xc5sa\n", 1),
        ("12,Ελλάδα\nParis\n".encode() + b"\xc4pfel\n", 1),
        ("ééééé\n".encode() + b"\xff\xfe\xfd", 3),
        ("Москва\n".encode() * 2 + b"\xcc\xee\n" + "Тверь\n".encode() + b"\xd2\n", 3),
    ],
)
@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 1000])
def test_damage_in_few_places_makes_no_other_encoding_of_utf_8(
    file: Path, monkeypatch: pytest.MonkeyPatch, payload: bytes, replaced: int, chunk_bytes: int
) -> None:
    monkeypatch.setattr(texts, "CHUNK_BYTES", chunk_bytes)

    text = recognised(file, payload)

    assert (text.encoding, text.is_guessed, text.replaced) == ("utf-8", True, replaced)
    assert content(text) == payload.decode(errors="replace")


def test_one_place_of_much_damage_is_not_little_damage(file: Path) -> None:
    assert refusal(file, "é".encode() * 9 + b"\xff" * 9) == NOT_THROUGHOUT


@pytest.mark.parametrize("damage", [b"\xc5sa\n", b"\xc5sa\n\xc4pfel\n"])
def test_more_utf_8_than_damage_is_never_east_asian_or_cyrillic(file: Path, damage: bytes) -> None:
    assert refusal(file, "Göteborg,Åsa\nVästerås\n".encode() + damage + b"\xc5sa\n") == NOT_THROUGHOUT


def test_bytes_that_are_utf_8_by_chance_do_not_make_a_mixture(file: Path) -> None:
    text = "CAFÉ»\n" + "CAFÉ\n" * 10

    assert content(recognised(file, text.encode("cp1252"))) == text


# The declared charset


@pytest.mark.parametrize(
    ("charset", "codec", "sentence"),
    [
        ("windows-1251", "cp1251", RUSSIAN),
        ("KOI8-R", "koi8-r", RUSSIAN),
        ("IBM866", "cp866", RUSSIAN),
        ("ISO-8859-5", "iso8859-5", RUSSIAN),
        ("ISO-8859-2", "iso8859-2", "miasto\nŁódź\n"),
        ("windows-1250", "cp1250", "Příliš žluťoučký\n"),
        ("windows-1253", "cp1253", "Άννα\n"),
        ("windows-1255", "cp1255", "שלום\n"),
        ("windows-874", "cp874", "สวัสดี\n"),
        ("Shift_JIS", "shift_jis", JAPANESE),
        ("x-sjis", "shift_jis", JAPANESE),
        ("EUC-JP", "euc_jp", JAPANESE),
        ("ISO-2022-JP", "iso2022_jp", JAPANESE),
        ("GB18030", "gb18030", "姓名\n张三\n"),
        ("gb2312", "gb2312", "姓名\n张三\n"),
        ("Big5", "big5", "姓名\n張三\n"),
        ("EUC-KR", "euc_kr", "이름\n김철수\n"),
        ("utf-8", "utf-8", SENTENCE),
        ("UTF-16", "utf-16", SENTENCE),
        ("UTF-16", "utf-16-le", SENTENCE),
        ("UTF-16BE", "utf-16-be", "東京"),
        ("UTF-32", "utf-32-be", SENTENCE),
        ("UTF-32", "utf-32-le", SENTENCE),
        ("us-ascii", "ascii", "plain\n"),
        ("macintosh", "mac_roman", "Größe\n"),
        ("Windows-31J", "cp932", JAPANESE),
        ("csKSC56011987", "euc_kr", "이름\n김철수\n"),
        ("ISO-8859-8-I", "iso8859-8", "שלום\n"),
        ("ISO-10646-UCS-2", "utf-16-be", SENTENCE),
        ("unicodeFFFE", "utf-16-be", SENTENCE),
        ("unicode-1-1-utf-8", "utf-8", SENTENCE),
    ],
)
def test_a_declared_charset_is_obeyed(file: Path, charset: str, codec: str, sentence: str) -> None:
    text = recognised(file, sentence.encode(codec), charset)

    assert (content(text), text.is_guessed) == (sentence, False)


@pytest.mark.parametrize(
    ("charset", "codec", "sentence"),
    [
        ("Shift_JIS", "cp932", "①髙橋\n"),
        ("gb2312", "gb18030", "朱镕基 €\n"),
        ("EUC-KR", "cp949", "똠방각하\n"),
        ("Big5", "cp950", "€ 張三\n"),
        ("ISO-8859-1", "cp1252", SENTENCE),
        ("ISO-8859-1", "cp1252", "Wait… café\n"),
        ("ISO-8859-9", "cp1254", "“İstanbul”\n"),
        ("TIS-620", "cp874", "“สวัสดี”\n"),
    ],
)
def test_what_windows_adds_to_a_charset_is_understood(
    file: Path, charset: str, codec: str, sentence: str
) -> None:
    text = recognised(file, sentence.encode(codec), charset)

    assert (content(text), text.encoding) == (sentence, codec)


@pytest.mark.parametrize(
    "charset", ["utf-9", "binary", "base64", "unicode_escape", "utf-7", "rot13", "a b", "é", "aliases"]
)
def test_a_charset_that_is_not_known_is_refused(file: Path, charset: str) -> None:
    assert refusal(file, b"abc", charset) == "The charset that the media type declares is not known."


@pytest.mark.parametrize(
    ("payload", "charset"),
    [
        (b"caf\xe9", "utf-8"),
        (SENTENCE.encode() * 100 + b"\xe9", "utf-8"),
        (SENTENCE.encode(), "us-ascii"),
        (b"caf\x81", "windows-1252"),
        (b"caf\x81", "iso-8859-1"),
        (b"a\n" * 70_000 + b"\x85\x9f", "iso-8859-2"),
        (RUSSIAN.encode("cp1251"), "Shift_JIS"),
        (b"a\x01b", "windows-1251"),
        (b"a\0\0", "utf-16le"),
    ],
)
def test_a_text_must_be_in_its_declared_charset(file: Path, payload: bytes, charset: str) -> None:
    name = charset.upper()
    detail = f"The media type declares {name}, but the text is not valid {name}."

    assert refusal(file, payload, charset) == detail


@pytest.mark.parametrize(
    ("payload", "charset", "shown"),
    [
        (codecs.BOM_UTF8 + b"a", "windows-1252", "UTF-8"),
        ("a".encode("utf-16"), "utf-8", "UTF-16-LE"),
        (SENTENCE.encode("utf-16-be"), "utf-16le", "UTF-16-BE"),
    ],
)
def test_a_charset_that_the_bytes_contradict_is_refused(
    file: Path, payload: bytes, charset: str, shown: str
) -> None:
    assert (
        refusal(file, payload, charset)
        == f"The media type declares {charset.upper()}, but the text is {shown}."
    )


def test_utf_16_whose_byte_order_is_not_plain_is_refused(file: Path) -> None:
    assert refusal(file, "東京".encode("utf-16-be"), "utf-16").startswith("The media type declares UTF-16. ")


def test_a_nul_character_is_refused_in_every_charset(file: Path) -> None:
    assert refusal(file, "я\n\0".encode("cp1251"), "windows-1251") == "Line 2 holds a NUL character."


# Guesses


@pytest.mark.parametrize(
    ("encoding", "sentence"),
    [
        ("cp1252", SENTENCE),
        ("cp1251", RUSSIAN),
        ("cp932", JAPANESE),
        ("iso2022_jp", JAPANESE),
        ("iso2022_kr", "이름,도시\n김철수,서울\n"),
    ],
)
def test_other_encodings_are_guessed(file: Path, encoding: str, sentence: str) -> None:
    text = recognised(file, sentence.encode(encoding))

    assert (content(text), text.encoding, text.is_guessed) == (sentence, encoding, True)


def test_a_guess_rests_on_the_lines_that_are_not_ascii_wherever_they_are(file: Path) -> None:
    text = "id,amount\n" * 100_000 + RUSSIAN

    assert content(recognised(file, text.encode("cp1251"))) == text


@pytest.mark.parametrize("start", ["", "x"])
def test_one_endless_line_is_guessed_by_its_beginning(file: Path, start: str) -> None:
    text = start + "吾輩は猫である。" * 20_000

    assert content(recognised(file, text.encode("cp932"))) == text


def test_a_guess_holds_for_the_whole_text(file: Path) -> None:
    payload = SENTENCE.encode("cp1252") * 10_000 + b"\x81\n"

    assert refusal(file, payload) == f"The text is not in one encoding throughout. {ADVICE}"


@pytest.mark.parametrize("payload", [b"caf\xe9 \x81\n", "Άννα;Αθήνα\nΝίκος;Πάτρα\n".encode("cp1253")])
def test_what_no_guess_fits_is_refused_with_advice(file: Path, payload: bytes) -> None:
    assert refusal(file, payload) == f"The text is not Unicode, and its encoding cannot be told. {ADVICE}"


def test_an_escape_sequence_of_a_terminal_is_not_japanese(file: Path) -> None:
    assert recognised(file, b"\x1b$ and \x1b[1m\n").encoding == "utf-8"


def test_a_text_that_must_be_unicode_is_not_guessed(file: Path) -> None:
    assert refusal(file, SENTENCE.encode("cp1252"), must_be_unicode=True) == "The text is not valid UTF-8."
    assert recognised(file, SENTENCE.encode("utf-16-le"), must_be_unicode=True).encoding == "utf-16-le"


def test_a_mark_twice_is_measured_whole() -> None:
    assert byte_order_mark(codecs.BOM_UTF8 * 2 + b"a") == ("utf-8", 6)
    assert byte_order_mark(b"a" + codecs.BOM_UTF8) == (None, 0)


def test_a_marked_text_that_begins_with_nul_is_not_text() -> None:
    assert not looks_like_text(codecs.BOM_UTF16_BE + b"\0\0\0a")
