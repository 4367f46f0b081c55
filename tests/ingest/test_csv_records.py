from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from claimsctl.errors import InputError
from claimsctl.ingest import csv_reader, parts

Read = Callable[..., Any]


def test_cells_are_verbatim_and_numbered_by_physical_line(read: Read) -> None:
    found = read('a,b,c\n" 01 ","say ""hi""",\n"x\ny",,2\nNA,null,é\n')
    assert found.rows == [(" 01 ", 'say "hi"', ""), ("x\ny", "", "2"), ("NA", "null", "é")]
    assert found.numbers == [2, 3, 5]
    assert found.source.header == ("a", "b", "c")


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('1,5" pipe,3', ("1", '5" pipe', "3")),
        ('1,"ab"c,3', ("1", '"ab"c', "3")),
        ('1,"Jo "JJ, Jr" Doe",3', ("1", 'Jo "JJ, Jr" Doe', "3")),
        ('1, "x" y,3', ("1", ' "x" y', "3")),
        ("1, x ,3", ("1", " x ", "3")),
        ('1,"5" , wide",3', ("1", '5" , wide', "3")),
        ("1,2", ("1", "2", None)),
        ("1,2,3,,", ("1", "2", "3")),
        ("1,2,3, ,\t", ("1", "2", "3")),
        ('1,"two\nlines",5" x', ("1", "two\nlines", '5" x')),
    ],
)
def test_lenient_where_the_field_count_leaves_no_doubt(read: Read, line: str, cells: tuple[str, ...]) -> None:
    found = read(f"a,b,c\n{line}\n7,8,9\n")
    assert found.rows == [cells, ("7", "8", "9")]
    assert found.malformed == []


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('1, "18 Alder, Court",3', ("1", "18 Alder, Court", "3")),
        ('1,"18 Alder, Court" ,3', ("1", "18 Alder, Court", "3")),
        ('"1" , " x ""y""\t" ,\t"3"\t', ("1", ' x "y"\t', "3")),
        (' "1",2, "" ', ("1", "2", "")),
        ('1, "two,\nlines" ,3', ("1", "two,\nlines", "3")),
        ('1, "two\nlines, ""and\nmore""", "3"', ("1", 'two\nlines, "and\nmore"', "3")),
        ('1, "x, y"', ("1", "x, y", None)),
        ('"1", "2", "3", "" ,', ("1", "2", "3")),
    ],
)
def test_blanks_beside_the_quotes_of_a_field_are_not_part_of_it(
    read: Read, line: str, cells: tuple[str, ...]
) -> None:
    found = read(f"a,b,c\n{line}\n7,8,9\n")
    assert found.rows == [cells, ("7", "8", "9")]
    assert found.malformed == []


def test_blanks_before_quotes_in_every_line(read: Read) -> None:
    found = read('"claim", "last, first", "dx"\n"1", "Doe, J", "F41.1"\n"2", "Roe, ""R""", ""\n')
    assert found.source.header == ("claim", "last, first", "dx")
    assert found.rows == [("1", "Doe, J", "F41.1"), ("2", 'Roe, "R"', "")]
    single = read("'a', 'b, c'\n'1', '2, 3'\n")
    assert single.source.header == ("a", "b, c")
    assert single.rows == [("1", "2, 3")]


def test_a_tab_that_is_the_delimiter_is_no_blank_beside_a_quote(read: Read) -> None:
    found = read('a\tb\tc\n1\t\t"x\ty"\n2\t "z"\t"w" \n')
    assert found.rows == [("1", "", "x\ty"), ("2", "z", "w")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1,2,3,4", "has 4 fields, the header has 3"),
        (b'1,5" x,3,4', "has 4 fields, the header has 3"),
        (b'1, "2,3', "a quote opened in field 2 is never closed"),
        (b'1, "x, y", "3", 4', "has 4 fields, the header has 3"),
        (b'1,"2,3', "a quote opened in field 2 is never closed"),
        (b'"1,2,3', "a quote opened in field 1 is never closed"),
        (b"1,\0,3", "holds a NUL byte"),
        (b"1,\x81,3", "holds bytes that are not UTF-8 text (byte 0x81 at position 3)"),
        (b'1,"x\0\ny",3', "holds a NUL byte"),
    ],
)
def test_a_malformed_record_says_why_and_stays_alone(read: Read, line: bytes, reason: str) -> None:
    found = read(b"a,b,c\n1,2,3\n" + line + b"\n4,5,6\n7,8,9\n")
    assert found.rows == [("1", "2", "3"), ("4", "5", "6"), ("7", "8", "9")]
    assert found.reasons == {3: reason}


def test_raw_text_and_cells_of_malformed_records_are_kept(read: Read) -> None:
    found = read(b'a,b,c\n1,"two,3\n4,\xff\x81,6\n')
    assert [(raw, cells) for _, _, raw, cells in found.malformed] == [
        ('1,"two,3', ["1", '"two', "3"]),
        ("4,\\xff\\x81,6", ["4", "\\xff\\x81", "6"]),
    ]


def test_trailing_fields_are_not_padded_where_a_required_column_would_be_blank(read: Read) -> None:
    text = "a,b,c\n1,2\n1\n1,2,3\n"
    assert read(text).rows == [("1", "2", None), ("1", None, None), ("1", "2", "3")]
    found = read(text, required=[0, 1])
    assert found.rows == [("1", "2", None), ("1", "2", "3")]
    assert found.reasons == {3: "has 1 field, the header has 3"}


def test_ditto_marks_do_not_merge_records(read: Read) -> None:
    lines = ["a,b,c,d,e,f", '1,",3,4,5,6', "2,2,3,4,5,6", '3,",3,4,5,6']
    found = read("\n".join(lines))
    assert found.rows == [("2", "2", "3", "4", "5", "6")]
    assert [row[0] for row in found.malformed] == [2, 4]


def test_a_quoted_field_may_run_over_a_thousand_lines_but_no_further(read: Read) -> None:
    inside = read('a,b\n1,"' + "x\n" * 999 + '"\n2,3\n')
    assert inside.rows == [("1", "x\n" * 999), ("2", "3")]
    beyond = read('a,b\n1,"' + "x\n" * 1000 + '"\n2,3\n')
    assert beyond.malformed[0][:2] == (2, "a quote opened in field 2 is never closed")
    assert beyond.rows[-1] == ("2", "3")
    assert len(beyond.rows) + len(beyond.malformed) == 1002


def test_many_open_quotes_take_linear_time(read: Read) -> None:
    found = read("a,b,c\n" + '1,"x,y\n' * 5000 + "1,2,3\n")
    assert len(found.malformed) == 5000
    assert found.rows == [("1", "2", "3")]


def test_fields_over_one_megabyte_are_refused_and_cut(read: Read) -> None:
    found = read("a,b\n1," + "x" * (1 << 20) + "\n2," + "y" * ((1 << 20) + 1) + "\n3,4\n")
    assert [len(row[1]) for row in found.rows] == [1 << 20, 1]
    ((number, reason, raw, _),) = found.malformed
    assert (number, reason) == (3, "field 2 is larger than 1 MB (raw text cut to 64 KB)")
    assert len(raw) == 64 << 10


def test_a_line_without_end_is_skipped_in_bounded_memory(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reader, "MAX_LINE_BYTES", 1 << 20)
    monkeypatch.setattr(csv_reader, "DEFAULT_CHUNK_BYTES", 1 << 18)
    found = read("a,b\n1,2\n" + "x" * (3 << 20) + "\n3,4\n")
    assert found.rows == [("1", "2"), ("3", "4")]
    assert found.numbers == [2, 4]
    assert found.reasons == {3: "the line is longer than 1 MB (raw text cut to 64 KB)"}


def test_blank_records_are_counted_except_blank_lines_at_the_end(read: Read) -> None:
    found = read('a,b\n\n1,2\n  \n,\n"",\n3,4\n\n \n\x1a')
    assert found.rows == [("1", "2"), ("3", "4")]
    assert found.blanks == [2, 4, 5, 6]
    assert found.malformed == []


def test_a_header_alone_gives_one_empty_part(read: Read) -> None:
    found = read("a,b\n")
    (part,) = found.parts
    assert part.rows.schema == {"row_number": pl.Int64, "c0": pl.String, "c1": pl.String}
    assert part.malformed.schema == parts.MALFORMED_SCHEMA
    assert part.blank_rows.dtype == pl.Int64


@pytest.mark.parametrize(("line_end", "expected"), [("\n", "x\ny"), ("\r\n", "x\r\ny"), ("\r", "x\ry")])
def test_line_ends(read: Read, line_end: str, expected: str) -> None:
    found = read(line_end.join(["a,b", '1,"x', 'y"', "3,4"]))
    assert found.rows == [("1", expected), ("3", "4")]
    assert found.numbers == [2, 4]


def test_a_lone_carriage_return_ends_a_record_in_a_file_of_newlines(read: Read) -> None:
    found = read("a,b\n1,2\r3,4\r\n5,6\n")
    assert found.rows == [("1", "2"), ("3", "4"), ("5", "6")]
    assert found.numbers == [2, 3, 4]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_with_quotes_respected(read: Read, delimiter: str) -> None:
    names = ["claim", '"Last, First; or | both"', "dx"]
    found = read(delimiter.join(names) + "\n" + delimiter.join(["1", '"Doe, J"', "F41.1"]) + "\n")
    assert found.source.delimiter == delimiter
    assert found.rows == [("1", "Doe, J", "F41.1")]


@pytest.mark.parametrize(
    ("text", "header", "line"),
    [
        ("# claims, 2026\n#\n\na,b\n1,2\n", ("a", "b"), 4),
        ('"# Required, text",\na,b\n1,2\n', ("a", "b"), 2),
        ("sep=;\na;b\n1;2\n", ("a", "b"), 2),
        ("Claims March\n\na,b,c\n1,2,3\n", ("a", "b", "c"), 3),
        ('"Their\nColumn",b\n1,2\n', ("Their\nColumn", "b"), 1),
        ("'a','b, c'\n'1','2'\n", ("a", "b, c"), 1),
        ("only\nx\n", ("only",), 1),
        ("#,Claim #,DOB,CPT\n1,C1,1979-03-14,99213\n", ("#", "Claim #", "DOB", "CPT"), 1),
        ('"#";"Claim #";"DOB";"CPT"\n1;2;3;4\n', ("#", "Claim #", "DOB", "CPT"), 1),
        ("#Claim\tDOB\tCPT\n1\t2\t3\n", ("#Claim", "DOB", "CPT"), 1),
        ("# about\n#,Claim #,DOB,CPT\n1,2,3,4\n", ("#", "Claim #", "DOB", "CPT"), 2),
        ("#,Claim #,DOB,CPT\n#1,2,3,4\n", ("#", "Claim #", "DOB", "CPT"), 1),
        ("#claim_number,dob,cpt\nClaim #,DOB,CPT\n1,2,3\n", ("Claim #", "DOB", "CPT"), 2),
        ("# claim_number,dob,cpt\nKonto,Geburt,Code\n1,2,3\n", ("Konto", "Geburt", "Code"), 2),
        ("#required,text,code\na,b,c\n1,2,3\n", ("a", "b", "c"), 2),
        ("#Claim #, DOB, CPT\na,b\n1,2\n", ("a", "b"), 2),
        ("a,b,\n1,2,\n", ("a", "b", ""), 1),
    ],
)
def test_where_the_header_is(read: Read, text: str, header: tuple[str, ...], line: int) -> None:
    found = read(text)
    assert found.source.header == header
    assert found.source.header_row_number == line
    assert len(found.rows) == 1


@pytest.mark.parametrize(
    ("encoding", "bom", "name"),
    [
        ("utf-8", b"", "utf-8"),
        ("utf-8", codecs.BOM_UTF8, "utf-8-sig"),
        ("utf-16-le", codecs.BOM_UTF16_LE, "utf-16"),
        ("utf-16-be", codecs.BOM_UTF16_BE, "utf-16"),
        ("utf-16-le", b"", "utf-16-le"),
        ("utf-32-le", codecs.BOM_UTF32_LE, "utf-32"),
        ("cp1252", b"", "cp1252"),
    ],
)
def test_encodings(read: Read, encoding: str, bom: bytes, name: str) -> None:
    found = read(bom + "claim,name\n1,Peña\n2,€ “x”\n".encode(encoding))
    assert found.source.encoding == name
    assert found.rows == [("1", "Peña"), ("2", "€ “x”")]


def test_windows_text_far_into_the_file_is_recognised(read: Read) -> None:
    plain = b"a,b\n" + b"1,2\n" * 100_000
    found = read(plain + "3,é\n".encode("cp1252"), batch_rows=100)
    assert found.rows[-1] == ("3", "é")
    assert found.source.encoding == "cp1252"
    assert found.malformed == []


def test_one_damaged_record_does_not_make_a_utf8_file_windows(read: Read) -> None:
    found = read("a,b\n1,é\n2,ñ\n".encode() + b"3,\xe9\n" + "4,ü\n".encode())
    assert found.rows == [("1", "é"), ("2", "ñ"), ("4", "ü")]
    assert list(found.reasons) == [4]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("undefined", [b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d"])
def test_a_byte_that_windows_text_does_not_have_costs_one_row(
    read: Read, line_end: bytes, undefined: bytes
) -> None:
    good = [f"{i},Peña".encode("cp1252") for i in range(50)]
    found = read(line_end.join([b"a,b", *good[:30], b"x,Pe%ba" % undefined, *good[30:]]))
    assert found.source.encoding == "cp1252"
    assert found.malformed == []
    assert [row for row in found.rows if row[0] != "x"] == [(str(i), "Peña") for i in range(50)]
    # The rules report the replacement character (FILE-006).
    assert found.rows[30] == ("x", "Pe\ufffda")


def test_another_code_page_is_not_read_as_windows_text(read: Read) -> None:
    names = ["Hélène", "José", "Peña", "Zoé"] * 10
    found = read(("a,b\n" + "".join(f"1,{name}\n" for name in names)).encode("mac_roman"))
    assert found.source.encoding == "utf-8"
    assert len(found.malformed) == 40


def test_the_replacement_character_is_text(read: Read) -> None:
    assert read("a,b\n1,�\n").rows == [("1", "�")]


def test_parts_have_exactly_the_rows_asked_for(read: Read) -> None:
    found = read("a,b\n" + "".join(f"{i},x\n" for i in range(25)) + "bad,1,2\n", batch_rows=10)
    assert [part.rows.height for part in found.parts] == [10, 10, 5]
    assert [part.malformed.height for part in found.parts] == [0, 0, 1]
    assert found.parts[-1].bytes_read == found.source.bytes
    assert found.numbers == list(range(2, 27))


def test_malformed_records_go_with_the_rows_they_stand_among(read: Read) -> None:
    found = read("a,b\n1,2\nx,1,2\n3,4\n5,6\ny,1,2\n", batch_rows=2)
    assert [part.malformed["row_number"].to_list() for part in found.parts] == [[3], [6]]


def test_a_flood_of_malformed_records_ends_a_part_early(read: Read) -> None:
    found = read("a,b\n" + "1,2,3\n" * 50 + "1,2\n", batch_rows=10)
    assert max(part.malformed.height for part in found.parts) <= 60
    assert len(found.malformed) == 50
    assert found.rows == [("1", "2")]


def test_the_careful_reader_stands_in_for_the_fast_one(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> pl.DataFrame:
        raise pl.exceptions.ComputeError("secret cell value")

    monkeypatch.setattr(pl, "read_csv", fail)
    found = read('a,b\n1,"x\ny"\n2\n"3",4,\n')
    assert found.rows == [("1", "x\ny"), ("2", None), ("3", "4")]
    assert found.numbers == [2, 4, 5]


def test_too_many_columns_are_refused(read: Read) -> None:
    with pytest.raises(InputError, match="20,001 columns"):
        read(",".join(["h"] * 20_001) + "\n")


def test_lines_within_quotes_are_not_trimmed(read: Read) -> None:
    found = read('a,b\n1,"x\n,,,\ny"\n2,3,,\n')
    assert found.rows == [("1", "x\n,,,\ny"), ("2", "3")]
