"""A guess is right or not made: what a text in an encoding of another kind must never become."""

import pytest

from app.processors.guesses import guess_encoding, unmarked_utf_16

TABLES = {
    "Russian": "Имя;Город\nИван;Москва\nОльга;Тверь\nСемён;Новгород\n",
    "Ukrainian": "Ім'я;Місто\nОлена;Київ\nІван;Львів\nЇжак;Чернігів\n",
    "Japanese": "名前,備考\n東京太郎,お得意様です\n大阪花子,カタカナのテスト\n",
    "simplified": "姓名,城市,备注\n张三,北京,这个客户非常好\n李四,上海,已经付款了\n",
    "traditional": "姓名,城市,備註\n張三,台北,這個客戶非常好\n李四,高雄,已經付款了\n",
    "Korean": "이름,도시,메모\n김철수,서울,아주 좋은 고객입니다\n이영희,부산,결제가 완료\n",
    "German": "Name;Stadt\nJörg Müller;Köln\nÄnne Groß;Würzburg\n",
    "French": "nom;ville;note\nRené;Orléans;déjà payé\nÉlodie;Nîmes;à rappeler\n",
    "Spanish": "nombre;ciudad\nÍñigo;Córdoba\nMaría;Málaga\n",
    "Portuguese": "nome;cidade\nJoão;São Paulo\nConceição;Brasília\n",
    "Danish": "navn;by\nSøren Kjær;Århus\nBjørn;Køge\n",
    "Icelandic": "nafn;bær\nÞórður;Reykjavík\nGuðrún;Akureyri\n",
    "Polish": "imię;miasto\nŁukasz;Łódź\nGrażyna;Wrocław\nJędrzej;Białystok\n",
    "Greek": "όνομα;πόλη\nΆννα;Αθήνα\nΝίκος;Πάτρα\n",
    "Hebrew": "שם;עיר\nיוסי;ירושלים\nדנה;חיפה\nמשה;תל אביב\n",
    "Arabic": "اسم;مدينة\nأحمد;القاهرة\nفاطمة;دمشق\n",
    "Thai": "ชื่อ;เมือง\nสมชาย;กรุงเทพ\nสมหญิง;เชียงใหม่\n",
}


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        *(("Russian", encoding) for encoding in ("cp1251", "koi8_r", "cp866", "iso8859_5")),
        *(("Ukrainian", encoding) for encoding in ("cp1251", "koi8_u")),
        *(("Japanese", encoding) for encoding in ("cp932", "euc_jp")),
        ("simplified", "gb18030"),
        ("traditional", "cp950"),
        ("Korean", "cp949"),
        *((language, "cp1252") for language in ("German", "French", "Spanish", "Portuguese", "Danish")),
        ("Icelandic", "cp1252"),
    ],
)
@pytest.mark.parametrize("times", [1, 100])
def test_what_reads_well_in_one_encoding_only_is_in_that(language: str, encoding: str, times: int) -> None:
    assert guess_encoding((TABLES[language] * times).encode(encoding)) == encoding


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("Greek", "cp1253"),
        ("Greek", "iso8859_7"),
        ("Hebrew", "cp1255"),
        ("Arabic", "cp1256"),
        ("Thai", "cp874"),
        ("Russian", "mac_cyrillic"),
        ("Polish", "cp1250"),
        ("Polish", "iso8859_2"),
        ("German", "cp850"),
        ("French", "mac_roman"),
        ("Spanish", "cp850"),
    ],
)
@pytest.mark.parametrize("times", [1, 100])
def test_an_encoding_that_is_not_known_well_is_not_taken_for_another(
    language: str, encoding: str, times: int
) -> None:
    assert guess_encoding((TABLES[language] * times).encode(encoding)) is None


@pytest.mark.parametrize(
    "sample",
    [
        b"",
        "страна\n".encode("koi8-r"),
        "东京\n".encode("gb18030"),
        "ÀÉÎ ÀÉÎ ÀÉÎ\n".encode("cp1252"),
        "имя имя имя\n".encode("cp1251"),
        "ブル語\n".encode("euc_jp"),
        "タイタ語\n".encode("cp932"),
        "Ζαΐρ Ζαΐρ\n".encode("cp1253"),
    ],
)
def test_too_little_text_has_no_answer(sample: bytes) -> None:
    assert guess_encoding(sample) is None


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("pa’anga tongan\n", "cp1252"),
        ("Guadeloupe (1978–1985)\n", "cp1252"),
        ("à\n", "cp1252"),
        ("тигриня,науру\n", "cp1251"),
    ],
)
def test_a_little_text_that_fits_one_encoding_only_has_an_answer(text: str, encoding: str) -> None:
    assert guess_encoding(text.encode(encoding)) == encoding


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("language", TABLES)
def test_utf_16_shows_in_every_script(language: str, encoding: str) -> None:
    assert unmarked_utf_16(TABLES[language].encode(encoding)) == encoding


def test_hiragana_is_not_taken_for_ascii() -> None:
    assert unmarked_utf_16("あいうえお,かき\n".encode("utf-16-le")) == "utf-16-le"


@pytest.mark.parametrize(
    "payload",
    [
        b"id\0name\n12\0Anna\n34\0Otto\n" * 4,
        b"abc\0def\n" * 3,
        b"README.md\0app/main.py\0docs/a.md\0tests/b.py\0",
        "José\0Müller\0Łukasz\0André\0".encode(),
        b"ab\0\0cd\0\0",
        b"\1\0\2\0\3\0a\0b\0",
        "a,\ue000\n".encode("utf-16-le"),
        "аБ漢ابא,".encode("utf-16-le"),
        "a,\x81\n".encode("utf-16-le"),
        bytes(range(1, 256)) + b"\0",
    ],
    ids=["table", "lines", "list", "UTF-8", "padded", "controls", "private", "scripts", "C1", "binary"],
)
def test_bytes_with_nuls_are_not_utf_16_for_that(payload: bytes) -> None:
    assert unmarked_utf_16(payload) is None
