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
    ("encoding", "words"),
    [
        *((encoding, "Babić Marić Petrović") for encoding in ("cp1250", "iso8859_2", "mac_croatian")),
        *((encoding, "kuća sreća ćevapi noć") for encoding in ("cp1250", "iso8859_2")),
        *((encoding, "Potočnik Kočevje Hočevar") for encoding in ("cp1250", "iso8859_2")),
        *((encoding, "będzie więcej ręka piękna Częstochowa") for encoding in ("cp1250", "iso8859_2")),
        *((encoding, "Stankevičius Butkevičius įėjo") for encoding in ("cp1257", "iso8859_13")),
        ("cp1257", "ķīmija"),
        ("cp852", "Novák Molnár František Košice Gdańsk"),
        ("cp850", "ääni col·legi paral·lel"),
        ("mac_roman", "col·legi paral·lel"),
        ("cp1255", "מחיר כמות"),
        ("cp1255", "כהן גודל משקל רחוב ספק ביטון סטטוס כמות"),
        ("cp1255", "הזמנה פעיל כמות חיפה יחידה לקוח מוצר צבע"),
        ("cp720", "اسم الكمية المدينة"),
        ("cp720", "حسن مريم علي"),
        ("mac_cyrillic", "Москва Казань"),
        ("mac_cyrillic", "Екатеринбург город Новосибирск"),
        ("mac_cyrillic", "Дніпро Коваленко Олександр кількість"),
    ],
)
def test_letters_where_no_language_has_them_are_those_of_another_encoding(encoding: str, words: str) -> None:
    some = words.split()
    for sample in (*some, "\n".join(some), " ".join(some)):
        payload = sample.encode(encoding)
        assert payload.isascii() or guess_encoding(payload + b"\n") is None


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "træer og knæ"),
        ("cp1252", "Linnæus was a botanist"),
        ("cp1252", "poème d’une forêt, une conquête et la pêche"),
        ("cp1252", "três agências em português"),
        ("cp1252", "València i ciència amb caffè"),
        ("cp1251", "Подъём: объявление, съёмка. Тогда …и ещё — «цена» за штуку, имя и город"),
        ("cp1251", "Підйом, зйомка та під’їзд. Йосип знає їжу й ціну"),
        ("cp1251", "България: съобщение за ъгъла и въздуха, име и количество"),
    ],
)
def test_rare_letters_in_their_places_speak_against_no_guess(encoding: str, text: str) -> None:
    assert guess_encoding(text.encode(encoding)) == encoding


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp850", "José Müller Bär schön Ärger Übung façade côté père naïve España María Straße 20°"),
        ("mac_roman", "José Müller Bär schön Ärger Übung façade côté père España María corazón Perú “word”"),
        ("cp1251", "Да Нет и №"),
        ("koi8_r", "Да Нет и Москва"),
        ("cp866", "Да кг №"),
        ("iso8859_5", "Да и"),
        ("cp1253", "Ναι α Δ"),
        ("cp932", "① ㈱ 東 5円 A社 はい"),
        ("euc_jp", "東 5円 A社 はい"),
        ("gb18030", "女 元 第1 A座 李"),
        ("cp950", "否 A棟 （5） 邱"),
        ("cp949", "강 예 5원 A동"),
    ],
)
def test_a_foreign_letter_or_two_never_become_western(encoding: str, words: str) -> None:
    assert [word for word in words.split() if guess_encoding(f"1,{word}\n".encode(encoding))] == []


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1125", "місто,x\nКиїв,Львів\nОдеса,Запоріжжя\n"),
        ("cp1125", "місто\nЛьвів\nХарків\nЖитомир\n"),
        ("cp1251", "a,b\nЈован,Његош\n"),
    ],
)
def test_signs_and_letters_where_no_cyrillic_word_has_them_refuse(encoding: str, text: str) -> None:
    assert guess_encoding(text.encode(encoding)) is None


@pytest.mark.parametrize("encoding", ["cp866", "koi8_r", "cp1251", "iso8859_5"])
@pytest.mark.parametrize(
    "word",
    ["Ки{}в", "Ки{}", "{}жак", "МИ{}Р"],
    ids=["between letters", "behind one", "before one", "capitals"],
)
def test_one_sign_for_a_letter_is_too_many_among_cyrillic_words(encoding: str, word: str) -> None:
    signs = {"cp866": "∙√■╗·¤", "koi8_r": "∙√■╗≥", "cp1251": "‡€†‰¤¶¦¬", "iso8859_5": "§"}[encoding]
    words = "Москва\nТверь\nОльга\nсемья\nстраница\n" * 20

    assert guess_encoding(words.encode(encoding)) == encoding
    for sign in signs:
        if (sign, word) != ("§", "{}жак"):
            assert guess_encoding(f"{words}{word.format(sign)}\n".encode(encoding)) is None


@pytest.mark.parametrize(
    "text",
    [
        "ООО «Ромашка», Касперский™, Яндекс®, № 5 и №5, §5, 20°С, 5 °С, “Слово” и „слово“",
        "ну…да, слово – слово",
        "под’їзд, ім’я та об’єкт, Київ—Львів, дуже…",
        "ООО«Ромашка» и завод«Луч»",
        "Итого:\xa05\xa0€, страна\xa0мира",
    ],
)
def test_signs_beside_cyrillic_letters_where_they_belong_speak_against_no_guess(text: str) -> None:
    words = "Москва, Тверь, Ольга, семья, страница\n" * 3

    assert guess_encoding((words + text).encode("cp1251")) == "cp1251"


def test_the_short_u_of_belarusian_stands_behind_a_vowel() -> None:
    text = "Воўк і соўка жылі ў доме, праўда была там. Яна любіла Магілёў і Гомель"

    assert guess_encoding(text.encode("cp1251")) == "cp1251"


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1254", "İstanbul Aydın Muğla Beşiktaş şeker çağrı"),
        ("cp1250", "Győző Győr nő tűz fűszer Lőrinc Ştefan Timişoara Bacău Brăila"),
        ("cp1250", "Čakovec Črnomelj Kovačić Ljubičić Poreč Toruń Gdańsk Zamość pięć Łódź"),
        ("cp1250", "Jiří Příbram Dvořák Plzeň Děčín Němec Dvůr Břeclav Kučera Kováčik Čaňo"),
        ("iso8859-2", "Győző Čakovec Toruń Příbram świat"),
        ("cp1257", "Panevėžys Rēzekne Klaipėda Rīga Jūrmala Bērziņš Jēkabpils Čiurlionis Vilnių"),
        ("iso8859-3", "ŝipo ĉeĵo ankaŭ ĝardeno Għawdex"),
        ("iso8859-14", "Llŷn dŵr Ŵyn"),
        ("iso8859-16", "Ștefan Timișoara Brăila"),
    ],
)
def test_other_latin_letters_never_become_western_ones(encoding: str, words: str) -> None:
    several = words.split()

    assert [word for word in several if guess_encoding(f"1,{word}\n".encode(encoding))] == []
    assert guess_encoding("\n".join(several).encode(encoding)) is None
    assert guess_encoding(("Müller,René\n" + "\n".join(several)).encode(encoding)) is None


@pytest.mark.parametrize(
    "text",
    [
        "Bogotá,São Paulo,Zürich,Genève,Málaga,Malmö,Århus,Besançon,Ñuñoa,Liège,Nîmes,Tromsø,Forlì",
        "Þórður,Guðrún,Reykjavík",
        "Tórshavn,Suðuroy,Færeyjar",
        "Võru,Pärnu,Põlva",
        "août,à côté,déjà,crème brûlée,Noël",
        "Camões,ações,João,irmã",
        "Vicenç,història,col·legi",
        "lunedì,città,però,più,caffè",
        "België,Zoë,financiën",
    ],
)
def test_western_letters_in_their_places_are_taken(text: str) -> None:
    assert guess_encoding(text.replace(",", "\n").encode("cp1252")) == "cp1252"


FRENCH_WORDS = "René\nGenève\nJosé\ndéjà\nété\n" * 20


@pytest.mark.parametrize(
    ("encoding", "word"),
    [
        *(("cp1250", word) for word in ("Michał", "Paweł", "był", "10 zł", "są", "Mureş", "moş")),
        *(("iso8859_2", word) for word in ("Michał", "Mureş", "Mladiš")),
        ("cp1257", "Cēsuŗ"),
    ],
)
def test_a_raised_digit_behind_a_word_is_a_letter_of_another_encoding(encoding: str, word: str) -> None:
    assert guess_encoding(FRENCH_WORDS.encode("cp1252") + f"{word}\n".encode(encoding)) is None


@pytest.mark.parametrize(
    "word", ["5 m²", "km²", "12 cm³", "Nm³/h", "x²", "R²", "m/s²", "mc²", "1º", "nº 5", "Nº", "10²", "µm²"]
)
def test_a_raised_digit_behind_a_unit_or_number_speaks_against_no_guess(word: str) -> None:
    assert guess_encoding(f"{FRENCH_WORDS}{word}\n".encode("cp1252")) == "cp1252"


@pytest.mark.parametrize(
    ("encoding", "word"),
    [
        *(("cp850", word) for word in ("José", "Müller", "pêle", "España", "días", "Perú", "façade", "Köln")),
        *(("cp850", word) for word in ("hôtel", "habló", "aquí", "pâte", "Noë", "bär", "âge")),
        *(
            ("mac_roman", word)
            for word in ("Müller", "Straße", "René", "père", "bär", "noël", "pâte", "hôtel")
        ),
        *(("cp850", word) for word in ("pàgina", "Vilàs", "élève")),
        *(("mac_roman", word) for word in ("menü", "naïve", "voilà", "España", "corazón", "Köln", "Groß")),
        *(("iso8859_15", word) for word in ("sœur", "cœur", "Košice", "Žižka")),
        *(("iso8859_2", word) for word in ("Žižka", "mąka", "coś", "każdy", "źle")),
    ],
)
def test_one_sign_for_a_letter_is_too_many_among_western_words(encoding: str, word: str) -> None:
    assert guess_encoding(FRENCH_WORDS.encode("cp1252") + f"{word}\n".encode(encoding)) is None


@pytest.mark.parametrize(
    "word",
    [
        *(
            "l’été",
            "well…you",
            "A–Z",
            "e–mail",
            "und–oder",
            "Müller†",
            "Acme™",
            "Acme®",
            "Acme©",
            "2×3",
            "cm×cm",
        ),
        *(
            "„Wort“",
            "‚Wort‘",
            "«mot»",
            "¡Hola!",
            "¿Qué?",
            "½ l",
            "½kg",
            "20 °C",
            "± 5",
            "x ± 2",
            "£5m",
            "10 k€",
            "1½-jährig",
        ),
        *("• item", "•item", "§5", "§ 5a", "n°5", "10‰", "GB£ 5", "voilà…", "mot—mot", "Œuvre", "œuf"),
    ],
)
def test_signs_beside_western_letters_where_they_belong_speak_against_no_guess(word: str) -> None:
    assert guess_encoding(f"{FRENCH_WORDS}{word}\n".encode("cp1252")) == "cp1252"


@pytest.mark.parametrize(
    "text",
    [
        "name,preis\nMüller,10 €\nGröße,12 €\n",
        "name,preis\nMüller,10€\n",
        "nom,prix\nsœur Zoé,€ 5\n",
        "name,preis\n" + "Müller,10\n" * 100 + "Größe,12 €\n",
    ],
)
def test_the_currency_sign_that_nobody_writes_is_the_euro_of_latin_9(text: str) -> None:
    assert guess_encoding(text.encode("iso8859_15")) == "iso8859_15"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        # The lines of Windows-1252 hold signs that Latin-9 lacks.
        ("cp1252", "Müller,10 ¤\nGröße,„12“\n"),
        ("cp1252", "Müller,10 ¤\nGröße…\n"),
        ("cp850", "España,10 ñ\nMüller,Ñandú\n"),
        ("mac_roman", "Straße,§ 5\nMüller,§ 6\n"),
        ("iso8859_2", "Müller,10 ¤\nŁódź,12 ¤\n"),
    ],
)
def test_the_currency_sign_elsewhere_refuses(encoding: str, text: str) -> None:
    assert guess_encoding(text.encode(encoding)) is None


@pytest.mark.parametrize(
    "sample",
    [
        b"",
        "à\n".encode("cp1252"),
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
        *(
            (f"{word}\n", "cp1252")
            for word in (
                *("Ñandú", "façade", "naïve", "Ørsted", "São", "süß", "Guðrún", "créée", "ÉCOLE", "3ème"),
                *("5 €", "€5", "10 k€", "„Zitat“", "«oui»", "“word”", "¡Hola!", "it’s", "l’été", "à bientôt"),
                *("Acme™", "Acme®", "•item", "• item", "x×y"),
                *("20 °C", "n° 5", "5 m²", "2º", "½", "© 2020", "Guadeloupe (1978–1985)", "sœur", "µm"),
            )
        ),
        ("тигриня,науру\n", "cp1251"),
        ("東京都千代田区\n", "euc_jp"),
        ("吉田\n清水\n石井\n", "euc_jp"),
        ("東京都千代田区\n", "cp932"),
        ("북경시 천안문\n", "cp949"),
        ("北京市朝阳区\n", "gb18030"),
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
