"""Builds the crates of all tests, good and broken ones, with the same bytes on every machine.

    crate("foo", "1.0.0").dependency("bar", "1").feature("f", ["dep:bar"]).build()

The manifest has the normalised form that `cargo package` writes. Archives are gzip with stored blocks,
so that checksums do not depend on a compressor; `compressed()` asks for real deflate.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, Self

BLOCK = 512
END = bytes(2 * BLOCK)
SEPTEMBER_2006 = 1153704088
"""The modification time that cargo gives every file since 1.93."""

Scalar = str | bool | int | list[str]


def crate(name: str = "foo", version: str = "1.0.0") -> "CrateBuilder":
    """Begin a crate that cargo can build: edition 2021, a description, a license, and an empty library."""
    return CrateBuilder(name, version)


class CrateBuilder:
    """A crate in the making; every method but `build`, `tar`, `cksum` and `write` gives the builder back."""

    def __init__(self, name: str, version: str) -> None:
        self.name = name
        self.version = version
        self._package: dict[str, Scalar] = {
            "edition": "2021",
            "name": name,
            "version": version,
            "description": f"The crate {name}",
            "license": "MIT",
        }
        self._tables: list[str] = []
        self._features: dict[str, list[str]] = {}
        self._more: list[str] = []
        self._manifest: bytes | None = None
        self._files: dict[str, bytes] = {"src/lib.rs": b""}
        self._prefix = f"{name}-{version}"
        self._before: list[bytes] = []
        self._after: list[bytes] = []
        self._end = END
        self._tail = b""
        self._level = 0

    # the manifest

    def package(self, **fields: Scalar | None) -> Self:
        """Set fields of `[package]` (`_` in a keyword stands for `-`); None takes a field away."""
        for key, value in fields.items():
            self._package.pop(key.replace("_", "-"), None)
            if value is not None:
                self._package[key.replace("_", "-")] = value
        return self

    def dependency(
        self,
        name: str,
        req: str | None = "1",
        *,
        kind: Literal["normal", "dev", "build"] = "normal",
        target: str | None = None,
        registry_index: str | None = None,
        package: str | None = None,
        optional: bool = False,
        features: Iterable[str] = (),
        default_features: bool = True,
    ) -> Self:
        """Add a dependency as cargo writes it: one table, only keys that say something; `req` None writes none."""
        keys: dict[str, Scalar | None] = {
            "version": req,
            "registry-index": registry_index,
            "features": list(features) or None,
            "optional": optional or None,
            "default-features": None if default_features else False,
            "package": package,
        }
        table = {"normal": "", "dev": "dev-", "build": "build-"}[kind] + "dependencies"
        place = f"target.{_value(target)}.{table}" if target is not None else table
        self._tables.append(_table(f"{place}.{_key(name)}", keys))
        return self

    def feature(self, name: str, values: Iterable[str] = ()) -> Self:
        """Add a feature."""
        self._features[name] = list(values)
        return self

    def toml(self, text: str) -> Self:
        """Add TOML at the end of the manifest."""
        self._more.append(text.rstrip("\n") + "\n")
        return self

    def manifest(self, text: str | bytes) -> Self:
        """Use exactly this as Cargo.toml."""
        self._manifest = _bytes(text)
        return self

    def manifest_text(self) -> bytes:
        """Give the bytes of Cargo.toml."""
        if self._manifest is not None:
            return self._manifest
        features = {_key(name): values for name, values in self._features.items()}
        tables = [_table("package", self._package), *self._tables]
        if features:
            tables.insert(1, _table("features", features))
        return "\n".join([*tables, *self._more]).encode()

    # the files

    def file(self, path: str, content: str | bytes = b"") -> Self:
        """Add or replace a file, by its path below the package's directory."""
        self._files[path] = _bytes(content)
        return self

    def without(self, path: str) -> Self:
        """Leave out a file; `Cargo.toml` leaves out the manifest."""
        self._files.pop(path, None)
        if path == "Cargo.toml":
            self._files[path] = b"\0absent"
        return self

    def readme(self, text: str | bytes, path: str = "README.md") -> Self:
        """Add a README and name it in the manifest."""
        return self.package(readme=path).file(path, text)

    def vcs(self, sha1: str = "0" * 40, *, dirty: bool = False, path_in_vcs: str = "") -> Self:
        """Add `.cargo_vcs_info.json` as cargo writes it."""
        git = {"sha1": sha1, "dirty": True} if dirty else {"sha1": sha1}
        return self.file(".cargo_vcs_info.json", json.dumps({"git": git, "path_in_vcs": path_in_vcs}, indent=2))

    # what breaks it

    def prefix(self, directory: str) -> Self:
        """Put all files under another directory than `NAME-VERSION`; `""` puts them under none."""
        self._prefix = directory
        return self

    def entry(self, raw: bytes, *, first: bool = False) -> Self:
        """Add raw tar bytes (from `tar_entry`, `pax_entry`, `long_name_entry`) after, or before, all files."""
        (self._before if first else self._after).append(raw)
        return self

    def end(self, raw: bytes) -> Self:
        """Use other bytes than two zero blocks to end the tar; `b""` for none."""
        self._end = raw
        return self

    def tail(self, raw: bytes) -> Self:
        """Add bytes after the gzip member."""
        self._tail += raw
        return self

    def compressed(self, level: int = 6) -> Self:
        """Compress with zlib: smaller, but other zlibs give other bytes."""
        self._level = level
        return self

    # the result

    def tar(self) -> bytes:
        """Give the tar inside: entries sorted by path, no directories."""
        files = {"Cargo.toml": self.manifest_text()} | self._files
        files = {path: content for path, content in files.items() if content != b"\0absent"}
        directory = f"{self._prefix}/" if self._prefix else ""
        entries = [tar_entry(directory + path, files[path]) for path in sorted(files)]
        return b"".join([*self._before, *entries, *self._after, self._end])

    def build(self) -> bytes:
        """Give the archive."""
        return gzip_member(self.tar(), level=self._level, name=f"{self.name}-{self.version}.crate") + self._tail

    def cksum(self) -> str:
        """Give the archive's SHA-256 as the index writes it."""
        return hashlib.sha256(self.build()).hexdigest()

    def write(self, folder: Path, file_name: str | None = None) -> Path:
        """Write the archive into a folder, as `NAME-VERSION.crate` unless told otherwise."""
        path = folder / (file_name or f"{self.name}-{self.version}.crate")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.build())
        return path


def tar_entry(
    path: str | bytes,
    content: bytes = b"",
    *,
    kind: bytes = b"0",
    size: int | bytes | None = None,
    link: bytes = b"",
    prefix: bytes = b"",
    header_format: Literal["gnu", "ustar", "v7"] = "gnu",
    checksum: int | None = None,
) -> bytes:
    """Give one tar entry: header, content, padding. A path that does not fit the header gets a GNU long name before it.

    `size` overrides the header's (an int may be as large as 2^64-1, bytes stand there as they are);
    `checksum` overrides the right one; `prefix` is written in "ustar" headers only.
    """
    name = _bytes(path)
    before = b""
    if len(name) > 100:
        before = long_name_entry(name)
        name = name[:100]
    header = bytearray(BLOCK)
    mode = b"0000755" if kind == b"5" or name.endswith(b"/") else b"0000644"
    struct.pack_into("100s8s8s8s12s12s8s1s100s", header, 0, name, mode, b"0000000", b"0000000",
        _size(len(content) if size is None else size), b"%011o" % SEPTEMBER_2006, b" " * 8, kind, link)  # fmt: skip
    header[257:265] = {"gnu": b"ustar  \0", "ustar": b"ustar\x0000", "v7": bytes(8)}[header_format]
    if header_format == "ustar":
        header[345 : 345 + len(prefix)] = prefix
    header[148:156] = b"%06o\0 " % (sum(header) if checksum is None else checksum)
    return before + bytes(header) + content + bytes(-len(content) % BLOCK)


def pax_entry(records: Mapping[str, str | bytes] | bytes, *, kind: bytes = b"x") -> bytes:
    """Give a PAX header for the entry that follows (`kind` b"g": for all); bytes stand there as they are."""
    content = records if isinstance(records, bytes) else b"".join(_pax_record(*each) for each in records.items())
    return tar_entry("PaxHeaders/pax", content, kind=kind, header_format="ustar")


def long_name_entry(name: str | bytes, *, kind: bytes = b"L") -> bytes:
    """Give a GNU long name (`kind` b"K": long link) for the entry that follows."""
    return tar_entry("././@LongLink", _bytes(name) + b"\0", kind=kind)


def gzip_member(content: bytes, *, level: int = 0, name: str = "") -> bytes:
    """Give one gzip member as cargo writes its header: no time, OS byte 255, the file's name."""
    header = b"\x1f\x8b\x08" + (b"\x08" if name else b"\0") + bytes(4) + b"\x02\xff"
    packed = zlib.compress(content, level, wbits=-15) if level else _stored(content)
    named = name.encode() + b"\0" if name else b""
    return header + named + packed + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def _stored(content: bytes) -> bytes:
    pieces = [content[at : at + 65535] for at in range(0, len(content), 65535)] or [b""]
    last = len(pieces) - 1
    return b"".join(
        struct.pack("<BHH", number == last, len(piece), len(piece) ^ 0xFFFF) + piece
        for number, piece in enumerate(pieces)
    )


def _size(size: int | bytes) -> bytes:
    if isinstance(size, bytes):
        return size
    return b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")


def _pax_record(key: str, value: str | bytes) -> bytes:
    body = b" " + key.encode() + b"=" + _bytes(value) + b"\n"
    length = len(body) + len(str(len(body)))
    length = len(body) + len(str(length))
    return str(length).encode() + body


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("-", "a").replace("_", "a").isalnum()
    return name if bare else _value(name)


def _value(value: Scalar) -> str:
    """Write a TOML value; JSON's strings, booleans, numbers and lists of strings are TOML's."""
    return json.dumps(value, ensure_ascii=False)


def _table(name: str, keys: Mapping[str, Scalar | None]) -> str:
    lines = [f"{key} = {_value(value)}\n" for key, value in keys.items() if value is not None]
    return f"[{name}]\n" + "".join(lines)
