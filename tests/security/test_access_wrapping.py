"""Wrapped keys open for whom they were wrapped, in their place, unaltered, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.errors import PermissionDenied
from claimsctl.security.access.bundles import Bundle, grant, key_id_of, unwrap_bundle
from claimsctl.security.access.wrapping import (
    box,
    encrypting_half,
    is_signed,
    new_private,
    sign,
    unbox,
    unwrap,
    verifying_half,
    wrap,
)

KEYS = st.binary(min_size=32, max_size=32)
BYTES = st.binary(max_size=80)


@given(secret=BYTES, private=KEYS, place=BYTES)
@settings(max_examples=30, deadline=None)
def test_wrapped_opens_for_the_private_half(secret: bytes, private: bytes, place: bytes) -> None:
    assert unwrap(wrap(secret, encrypting_half(private), place), private, place) == secret


@given(secret=BYTES, key=KEYS, place=BYTES)
@settings(max_examples=30, deadline=None)
def test_boxed_opens_for_the_key(secret: bytes, key: bytes, place: bytes) -> None:
    assert unbox(box(secret, key, place), key, place) == secret


@given(private=KEYS, other=KEYS, place=BYTES, elsewhere=BYTES)
@settings(max_examples=30, deadline=None)
def test_another_key_or_place_opens_nothing(
    private: bytes, other: bytes, place: bytes, elsewhere: bytes
) -> None:
    wrapped, boxed = wrap(b"secret", encrypting_half(private), place), box(b"secret", private, place)
    if encrypting_half(other) != encrypting_half(private):
        with pytest.raises(PermissionDenied):
            unwrap(wrapped, other, place)
    if other != private:
        with pytest.raises(PermissionDenied):
            unbox(boxed, other, place)
    if elsewhere != place:
        with pytest.raises(PermissionDenied):
            unwrap(wrapped, private, elsewhere)
        with pytest.raises(PermissionDenied):
            unbox(boxed, private, elsewhere)


@pytest.mark.parametrize("bit", [0, 7])
def test_every_flipped_bit_is_noticed(bit: int) -> None:
    private = new_private()
    for sealed, opened in (
        (wrap(b"root", encrypting_half(private), b"place"), lambda data: unwrap(data, private, b"place")),
        (box(b"root", private, b"place"), lambda data: unbox(data, private, b"place")),
    ):
        assert opened(sealed) == b"root"
        for at in range(len(sealed)):
            altered = bytearray(sealed)
            altered[at] ^= 1 << bit
            with pytest.raises(PermissionDenied):
                opened(bytes(altered))
        for length in range(len(sealed)):
            with pytest.raises(PermissionDenied):
                opened(sealed[:length])


def test_a_sender_of_small_order_is_refused() -> None:
    wrapped = wrap(b"root", encrypting_half(b"k" * 32), b"place")
    with pytest.raises(PermissionDenied):
        unwrap(wrapped[:1] + bytes(32) + wrapped[33:], b"k" * 32, b"place")


def test_signatures_fit_what_was_signed() -> None:
    private = new_private()
    signature = sign(private, b"record")
    assert is_signed(verifying_half(private), signature, b"record")
    assert not is_signed(verifying_half(private), signature, b"other")
    assert not is_signed(verifying_half(new_private()), signature, b"record")
    assert not is_signed(b"short", signature, b"record")


def test_a_bundle_is_bound_to_user_practice_and_workspace() -> None:
    private, (bundle, key_id) = new_private(), Bundle(b"r" * 32, {}).with_new_key(())
    wrapped = grant(bundle, "billing", encrypting_half(private), "w", "east", "pat")
    assert wrapped is not None
    found = unwrap_bundle(wrapped, private, "w", "east", "pat")
    assert (found, key_id_of(found.ring[key_id])) == (bundle, key_id)
    for other in (("x", "east", "pat"), ("w", "west", "pat"), ("w", "east", "bob")):
        with pytest.raises(PermissionDenied):
            unwrap_bundle(wrapped, private, *other)


def test_keys_do_not_show_themselves() -> None:
    bundle, _ = Bundle(b"r" * 32, {}).with_new_key(())
    assert "rrr" not in repr(bundle)
    assert all(repr(key) not in repr(bundle) for key in bundle.ring.values())
