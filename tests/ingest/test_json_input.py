from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.errors import InputError
from claimsctl.ingest import json_text
from claimsctl.ingest.json_reader import JsonSource
from claimsctl.ingest.recognise import recognise
from claimsctl.ingest.stream import InputFile, Limits

Read = Callable[..., Any]


def test_numbers_keep_their_literal_text(read: Read) -> None:
    found = read('{"a": 0.10, "b": "01", "c": true}\n{"c": null, "b": 1E5, "a": 12345678901234567890}\n')
    assert found.source.format == "json"
    assert found.source.header == ("a", "b", "c")
    assert found.rows == [("0.10", "01", "true"), ("12345678901234567890", "1E5", None)]


@pytest.mark.parametrize(
    "text", ['[{"a":1},\n{"a":2,"b":"x"}]', '{"a":1}\n{"a":2,"b":"x"}', '{\n"a":1\n}\n{\n"a":2,\n"b":"x"\n}']
)
def test_lines_arrays_and_spread_out_objects(read: Read, text: str) -> None:
    found = read(text)
    assert found.rows == [("1", None), ("2", "x")]
    assert found.numbers == [1, 2]
    assert found.malformed == []


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ('{"a": oops}', "is not valid JSON (Expecting value at character 7)"),
        ('{"a": {"x": 1}}', "has a nested value under the key 'a'"),
        ('{"a": [1]}', "has a nested value under the key 'a'"),
        ('{"a": 1, "a": 2}', "has the key 'a' twice"),
        ("[1]", "is not an object with one key per column"),
        ("7", "is not an object with one key per column"),
        ('{"a": "\\ud800"}', "holds bytes or escapes that are not text"),
        ('{"a": "\\u0000"}', "holds a NUL character"),
        ('{"a": ' + "[" * 100_000 + "1" + "]" * 100_000 + "}", "is nested too deeply"),
    ],
)
@pytest.mark.parametrize("array", [False, True])
def test_bad_records_leave_the_others_alone(read: Read, record: str, reason: str, array: bool) -> None:
    records = ['{"a": "1"}', record, '{"a": "3"}']
    found = read("[" + ",\n".join(records) + "]" if array else "\n".join(records))
    assert found.rows == [("1",), ("3",)]
    assert found.numbers == [1, 3]
    assert found.reasons == {2: reason}


def test_undecodable_bytes_condemn_their_record(read: Read) -> None:
    lines = ['{"a": "é"}'.encode(), b'{"a": "x\xff"}', b'{"a": "ok"}']
    for data in (b"\n".join(lines), b"[" + b",".join(lines) + b"]"):
        found = read(data)
        assert found.rows == [("é",), ("ok",)]
        assert found.reasons == {2: "holds bytes that are not UTF-8 text (byte 0xFF at position 9)"}
        assert found.malformed[0][2] == '{"a": "x\\xff"}'


def test_values_of_malformed_records_are_found_where_possible(read: Read) -> None:
    found = read('{"claim": "C1", "units": 1}\n{"claim": "C2", "units": }\n')
    assert found.malformed[0][3] == ["C2", ""]


def test_blank_objects_and_lines(read: Read) -> None:
    found = read('{"a": 1}\n\n{}\n{"a": " "}\n{"a": 2}\n')
    assert found.numbers == [1, 4]
    assert found.blanks == [2, 3]


def test_an_array_that_is_not_closed(read: Read) -> None:
    found = read('[{"a": 1}, {"a": 2}')
    assert found.rows == [("1",), ("2",)]
    assert found.reasons == {3: "the JSON array is not closed; the file may be cut short"}


def test_keys_that_appear_after_the_scan_make_their_record_malformed(tmp_path: Any) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}\n{"a": 2, "b": 3}\n{"a": 4}\n')
    file = InputFile.at(path, "a.json")
    source = JsonSource(file, 0, "a.json", recognise(file, Limits()), Limits(), key_scan_bytes=4)
    (part,) = source.parts(10)
    assert part.rows["c0"].to_list() == ["1", "4"]
    assert "has the key 'b'" in part.malformed["reason"][0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "holds no records"),
        ("[[1, 2]]", "no readable objects"),
        ('{"claims": [{"a": 1}]}', "nested under the key 'claims'"),
        ('{"resourceType": "Claim", "id": "1"}', "a FHIR resource"),
        ("[{}]", "0 different keys"),
    ],
)
def test_json_that_is_no_table(read: Read, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(text, "claims.json")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b", "c"]), st.text(max_size=8).map(lambda t: "x" + t), min_size=1
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(["lines", "array", "spread"]),
    st.integers(1, 40),
)
def test_any_block_size_gives_the_same_records(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, str]], style: str, block: int
) -> None:
    if style == "lines":
        text = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    elif style == "array":
        text = json.dumps(records, ensure_ascii=False)
    else:
        text = "\n".join(json.dumps(record, indent=1) for record in records)
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(text, encoding="utf-8", newline="")
    file = InputFile.at(path, "a.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_BLOCK", block)
        source = JsonSource(file, 0, "a.json", recognise(file, Limits()), Limits())
        (part,) = source.parts(100)
    legal = [record for record in records if not any("\0" in value for value in record.values())]
    assert part.rows.drop("row_number").rows() == [
        tuple(record.get(key) for key in source.header) for record in legal
    ]
    assert part.malformed.height == len(records) - len(legal)
