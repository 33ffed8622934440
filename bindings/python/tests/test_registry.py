"""Walks through the registry, in hives that the tests write."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import vmtemplate as vt

NONE = 0xFFFFFFFF


@dataclass
class Key:
    """A key to write, with a number as its value."""

    name: str
    number: int
    below: list[Key] = field(default_factory=list["Key"])


@dataclass
class Bins:
    """The cells of a hive, after Maxim Suhanov's "Windows registry file format specification"."""

    data: bytearray = field(default_factory=lambda: bytearray(32))

    def cell(self, content: bytes) -> int:
        """Write a cell, and return its position."""
        place = len(self.data)
        size = (len(content) + 4 + 7) // 8 * 8
        self.data += struct.pack("<i", -size) + content.ljust(size - 4, b"\0")
        return place

    def key(self, key: Key, parent: int = NONE) -> int:
        """Write a key with all of its subkeys, and return its position."""
        name = key.name.encode("latin-1")
        place = self.cell(bytes(76 + len(name)))
        value = self.cell(struct.pack("<2sHIIIHH", b"vk", 1, 0x80000004, key.number, 4, 1, 0) + b"n")
        values = self.cell(struct.pack("<I", value))
        below = [self.key(one, place) for one in sorted(key.below, key=lambda one: one.name.upper())]
        keys = self.cell(struct.pack(f"<2sH{len(below)}I", b"li", len(below), *below)) if below else NONE
        record = struct.pack("<2sHQI", b"nk", 0x2C if parent == NONE else 0x20, 0, 0)
        record += struct.pack("<7I", parent, len(below), 0, keys, NONE, 1, values)
        record += struct.pack("<7I2H", NONE, NONE, 0, 0, 0, 0, 0, len(name), 0) + name
        self.data[place + 4 : place + 4 + len(record)] = record
        return place


def hive(root: Key) -> vt.RegistryHive:
    bins = Bins()
    place = bins.key(root)
    size = (len(bins.data) + 8 + 4095) // 4096 * 4096
    # The rest is one free cell.
    bins.data += struct.pack("<I", size - len(bins.data)).ljust(size - len(bins.data), b"\0")
    bins.data[:12] = struct.pack("<4sII", b"hbin", 0, size)
    first = struct.pack("<4s11I", b"regf", 1, 1, 0, 0, 1, 5, 0, 1, place, size, 1).ljust(508, b"\0")
    checksum = 0
    for (word,) in struct.iter_unpack("<I", first):
        checksum ^= word
    base = (first + struct.pack("<I", checksum)).ljust(4096, b"\0")
    return vt.RegistryHive.from_bytes(base + bins.data)


def test_a_walk_goes_by_places_and_not_by_paths() -> None:
    # A search by the path of a handle would read all neighbours again, and miss a name that contains a backslash.
    root = hive(
        Key("root", 1, [Key("a", 2, [Key("b", 3, [Key("c", 4)])]), Key("a\\b", 5, [Key("c", 6)])])
    ).root()
    first, second = root.subkeys()
    assert (first.name, second.name) == ("a", "a\\b")
    (inner,) = first.subkeys()
    assert (inner.path, second.path) == ("a\\b", "a\\b")
    assert [key.u32("n") for key in (root, first, inner, second)] == [1, 2, 3, 5]
    assert [key.u32("n") for key in (*inner.subkeys(), *second.subkeys())] == [4, 6]
    assert [value.u32() for key in (inner, second) for value in key.values()] == [3, 5]


def test_thousands_of_keys_are_walked() -> None:
    keys = [Key(f"key {number:04}", number, [Key("below", number)]) for number in range(5000)]
    found = hive(Key("root", 0, keys)).root().subkeys()
    assert [key.name for key in found] == [key.name for key in keys]
    assert [value.u32() for key in found for value in key.values()] == list(range(5000))
    assert [below.u32("n") for key in found for below in key.subkeys()] == list(range(5000))
