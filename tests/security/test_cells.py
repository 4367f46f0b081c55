"""Sealed cells: what was put in comes out, in its place only, and nothing else is taken for it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import claimsctl
from claimsctl import decrypt_dict, decrypt_frame, encrypt_dict, encrypt_frame
from claimsctl.errors import InputError, PermissionDenied, UsageError
from claimsctl.security.keys import Keys

OTHER = Keys.derive(bytes(32))
TEXTS = st.text(max_size=12) | st.none()


def frame() -> pl.DataFrame:
    return pl.DataFrame({"id": ["a", "b", "c"], "ssn": ["1", None, "3"], "member": ["x", "y", "x"]})


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5), st.booleans())
def test_what_is_sealed_comes_out_again(rows: list[tuple[str | None, str | None]], by_key: bool) -> None:
    keys = Keys.derive(bytes(range(32)))
    texts = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row").with_row_index("n")
    if any(value and value.startswith("phi1") for row in rows for value in row):
        return
    key = ("n",) if by_key else ()
    sealed = encrypt_frame(texts, ["a", "b"], key=key, keys=keys)
    assert sealed["a"].drop_nulls().str.contains(r"^phi1[rk]\.").all()
    assert decrypt_frame(sealed, ["a", "b"], key=key, keys=keys).equals(texts)
    if by_key:
        mixed = sealed.reverse()
        assert decrypt_frame(mixed, ["a", "b"], key=key, keys=keys).equals(texts.reverse())


def test_types_come_out_again(keys: Keys) -> None:
    typed = pl.DataFrame({
        "i": [1, -2, None], "f": [0.1, 1e300, None], "b": [True, False, None],
        "m": [Decimal("1.50"), Decimal("-0.07"), None], "d": [dt.date(1984, 3, 9), dt.date(999, 1, 1), None],
        "t": [*map(dt.datetime.fromisoformat, ("2026-01-02T03:04:05.000678", "1900-01-01")), None],
        "h": [dt.time(14, 0), dt.time(1, 2, 3, 4), None], "none": [None, None, None],
    })  # fmt: skip
    again = decrypt_frame(encrypt_frame(typed, typed.columns, keys=keys), typed.columns, keys=keys)
    assert again.rows() == typed.rows()
    assert {name: kind for name, kind in again.schema.items() if kind != typed.schema[name]} == {
        "none": pl.String()
    }
    with pytest.raises(UsageError, match="of type List"):
        encrypt_frame(pl.DataFrame({"l": [[1]]}), ["l"], keys=keys)


def test_nonces_are_fresh_and_values_do_not_show(keys: Keys) -> None:
    sealed = encrypt_frame(frame(), ["member"], keys=keys)
    assert sealed["member"].n_unique() == 3
    assert sealed.drop("member").equals(frame().drop("member"))


def test_every_altered_character_is_found(keys: Keys) -> None:
    sealed = encrypt_frame(frame(), ["ssn"], keys=keys)
    text = sealed["ssn"][2]
    for at in range(len(text)):
        for mask in (1, 2, 64):
            bad = text[:at] + chr(ord(text[at]) ^ mask) + text[at + 1 :]
            altered = sealed.with_columns(pl.Series("ssn", [None, None, bad]))
            with pytest.raises((InputError, PermissionDenied), match="Row 2, column ssn: ") as caught:
                decrypt_frame(altered, ["ssn"], keys=keys)
            assert bad not in str(caught.value)


SWAPPED = [
    ("two rows", lambda f: f.with_columns(pl.Series("ssn", f["ssn"].reverse())), "Row 0, column ssn"),
    ("two columns", lambda f: f.with_columns(ssn="member", member="ssn"), "Row 0, column ssn"),
    ("sorted rows", lambda f: f.sort("id", descending=True), "Row 0, column ssn"),
    ("plain instead", lambda f: f.with_columns(pl.Series("member", ["x", "y", "x"])), "Row 0, column member"),
]


@pytest.mark.parametrize(("what", "swap", "where"), SWAPPED, ids=[each[0] for each in SWAPPED])
def test_a_cell_in_another_place_is_refused(what: str, swap: Any, where: str, keys: Keys) -> None:
    sealed = swap(encrypt_frame(frame(), ["ssn", "member"], keys=keys))
    with pytest.raises(InputError, match=where):
        decrypt_frame(sealed, ["ssn", "member"], keys=keys)


def test_a_cell_of_another_table_is_refused_unless_rows_have_keys(keys: Keys) -> None:
    one, two = (encrypt_frame(frame(), ["ssn", "member"], keys=keys) for _ in range(2))
    with pytest.raises(InputError, match="Row 0, column member: the encrypted value comes from another file"):
        decrypt_frame(one.with_columns(two["member"]), keys=keys)
    one, two = (encrypt_frame(frame(), ["ssn", "member"], key=["id"], keys=keys) for _ in range(2))
    assert decrypt_frame(one.with_columns(two["member"]), key=["id"], keys=keys).equals(frame())
    with pytest.raises(InputError, match=r"bound to the key of its row; say which columns these are \(--key"):
        decrypt_frame(one, keys=keys)
    with pytest.raises(InputError, match="Row 0, column ssn"):
        decrypt_frame(one.with_columns(one["id"].reverse()), ["ssn"], key=["id"], keys=keys)


def test_another_key_is_refused(keys: Keys) -> None:
    sealed = encrypt_frame(frame(), ["ssn"], keys=keys)
    with pytest.raises(PermissionDenied, match="Row 0, column ssn: encrypted with a key that is not at hand"):
        decrypt_frame(sealed, keys=OTHER)


def test_what_cannot_be_meant_is_refused(keys: Keys) -> None:
    for columns, key, said in (
        (["nothing"], (), "There is no column 'nothing'"),
        (["ssn"], ("nothing",), "There is no column 'nothing'"),
        (["ssn"], ("ssn",), "cannot be encrypted and be the key"),
    ):
        with pytest.raises(UsageError, match=said):
            encrypt_frame(frame(), columns, key=key, keys=keys)
    sealed = encrypt_frame(frame(), ["ssn"], keys=keys)
    with pytest.raises(UsageError, match="ssn is encrypted already"):
        encrypt_frame(sealed, ["ssn"], keys=keys)


def test_dicts(keys: Keys) -> None:
    patient = {"name": "Rivera", "born": dt.date(1984, 3, 9), "visits": 3, "other": None, "id": "7"}
    sealed = encrypt_dict(patient, ["name", "born", "visits", "other"], keys=keys)
    assert sealed["id"] == "7"
    assert sealed["other"] is None
    assert "Rivera" not in str(sealed)
    assert decrypt_dict(sealed, keys=keys) == patient
    another = encrypt_dict(patient, ["name", "born"], keys=keys)
    with pytest.raises(InputError, match="comes from another file"):
        decrypt_dict({**sealed, "born": another["born"]}, keys=keys)
    by_key = encrypt_dict(patient, ["name"], key=["id"], keys=keys)
    with pytest.raises(InputError, match="Row 0, column name"):
        decrypt_dict({**by_key, "id": "8"}, key=["id"], keys=keys)


def test_the_package_offers_them() -> None:
    assert {"encrypt_frame", "decrypt_frame", "encrypt_dict", "decrypt_dict"} <= set(claimsctl.__all__)
