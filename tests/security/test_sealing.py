"""Sealed values come back whole, from their own place, with their own key, or not at all."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.errors import PermissionDenied, StoreError
from claimsctl.security.keys import Keys
from claimsctl.security.sealing import seal, seal_columns, seal_many, unseal, unseal_columns

KEYS = Keys.derive(bytes(range(32)))


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=200), st.binary(max_size=40)), max_size=8))
def test_round_trip(values: list[tuple[bytes, bytes]]) -> None:
    sealed = seal_many([plain for plain, _ in values], [place for _, place in values], KEYS)
    assert [unseal(s, place, KEYS) for s, (_, place) in zip(sealed, values, strict=True)] == [
        plain for plain, _ in values
    ]


@settings(deadline=None)
@given(st.data())
def test_any_flipped_bit_is_noticed(data: st.DataObject) -> None:
    sealed = bytearray(seal(b"Doe, Jane", b"place", KEYS))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises((StoreError, PermissionDenied)) as caught:
        unseal(bytes(sealed), b"place", KEYS)
    assert "Jane" not in str(caught.value)


@settings(deadline=None)
@given(st.integers(0, 40))
def test_cut_values_are_noticed(length: int) -> None:
    with pytest.raises(StoreError):
        unseal(seal(b"Doe, Jane", b"place", KEYS)[:length], b"place", KEYS)


def test_value_of_another_place_is_refused() -> None:
    with pytest.raises(StoreError, match="wrong place"):
        unseal(seal(b"x", b"patient 1", KEYS), b"patient 2", KEYS)


def test_another_secret_is_told_from_damage() -> None:
    with pytest.raises(PermissionDenied, match="another secret"):
        unseal(seal(b"x", b"p", KEYS), b"p", Keys.derive(b"z" * 32))


def test_equal_values_are_sealed_differently() -> None:
    sealed = seal_many([b"same"] * 1000, [b"p"] * 1000, KEYS)
    assert len({value[5:17] for value in sealed}) == 1000, "no nonce is used twice"
    assert len({value[17:] for value in sealed}) == 1000


def test_columns_round_trip_and_keep_their_place() -> None:
    frame = pl.DataFrame({"row_number": [2, 3], "line_note": ["called Jane", None], "x_extra": ["", "é"]})
    sealed = seal_columns(frame, "job/part-00000", KEYS)
    assert b"Jane" not in sealed
    assert unseal_columns(sealed, "job/part-00000", KEYS).equals(frame)
    with pytest.raises(StoreError):
        unseal_columns(sealed, "job/part-00001", KEYS)


def test_a_ring_opens_what_an_older_key_sealed() -> None:
    older = Keys.derive(b"older" * 8)
    now = replace(KEYS, ring={**KEYS.ring, **older.ring})
    sealed = seal(b"x", b"p", older)
    assert unseal(sealed, b"p", now) == b"x"
    assert seal(b"x", b"p", now)[1:5].hex() == KEYS.key_id
    with pytest.raises(PermissionDenied, match="another secret"):
        unseal(sealed, b"p", KEYS)
