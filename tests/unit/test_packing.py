"""How records are packed into items."""

import zlib

import pytest

from threadrun.storage import packing


def test_what_was_packed_by_a_released_version_can_be_read() -> None:
    """The dictionary is needed for that: it never changes."""
    assert zlib.adler32(packing._DICTIONARY) == 32821144, "the dictionary was changed"


@pytest.mark.parametrize("text", ["", "{}", '{"stack_id": "é"}', "x" * 1_000_000])
def test_what_is_packed_is_read_back(text: str) -> None:
    assert packing.unpack(packing.pack(text)).decode() == text


@pytest.mark.parametrize("packed", [b"", b"{}", packing.pack("{}" * 100)[:-5], zlib.compress(b"{}")[:-1]])
def test_what_is_not_whole_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        packing.unpack(packed)
