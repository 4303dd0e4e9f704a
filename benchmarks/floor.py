"""The floor: what no publisher that checks what it publishes can leave out, and nothing else, in two processes.

`cold DROP TREE` reads every file, hashes it (SHA-256), inflates the whole archive (libdeflate), walks the headers with
their checksums, parses the manifest (rtoml) and writes, each by temp and rename, the archive, its facts, and every
index file once. It knows no limits, no rules, no settings, remembers nothing and flushes nothing.
`walk DROP` lists a folder and asks for each file's size and times. All print the seconds that they took.
"""

import hashlib
import json
import os
import sys
import time
import zlib
from collections import defaultdict
from multiprocessing import get_context
from multiprocessing.connection import Connection

import deflate
import msgspec
import rtoml

BLOCK = 512
encode = msgspec.json.encode

Line = tuple[str, str, bytes]
"""Name, version, index line."""


def cold(drop: str, tree: str) -> int:
    """Publish every file of a folder, half of them in another process; give their number."""
    files = sorted(entry.name for entry in os.scandir(drop) if entry.name.endswith(".crate"))
    for folder in ("crates", "index", "stage"):
        os.makedirs(f"{tree}/{folder}")
    here, there = get_context("fork").Pipe(duplex=False)
    other = get_context("fork").Process(target=_send, args=(there, drop, tree, files[1::2]))
    other.start()
    lines = _publish_all(drop, tree, files[::2], "a")
    lines += here.recv()
    other.join()
    _write_index(tree, lines)
    return len(files)


def _send(there: Connection, drop: str, tree: str, files: list[str]) -> None:
    there.send(_publish_all(drop, tree, files, "b"))


def _publish_all(drop: str, tree: str, files: list[str], who: str) -> list[Line]:
    made: set[str] = set()
    stage = f"{tree}/stage/{who}"
    return [_publish(f"{drop}/{file}", tree, stage, made) for file in files]


def _publish(path: str, tree: str, stage: str, made: set[str]) -> Line:
    with open(path, "rb", buffering=0) as file:
        content = file.read()
    cksum = hashlib.sha256(content).hexdigest()
    tar = deflate.gzip_decompress(content)
    files, manifest_at, manifest_size = _walk(tar)
    manifest = rtoml.loads(tar[manifest_at : manifest_at + manifest_size].decode())
    name, vers = manifest["package"]["name"], manifest["package"]["version"]
    folder = f"{tree}/crates/{name}"
    if name not in made:
        os.makedirs(folder, exist_ok=True)
        made.add(name)
    _replace(stage, f"{folder}/{cksum}.crate", content)
    _replace(stage, f"{folder}/{cksum}.json", encode({"cksum": cksum, "manifest": manifest, "files": files}))
    return name, vers, _line(manifest, name, vers, cksum)


def _walk(tar: bytes | bytearray) -> tuple[list[tuple[str, int]], int, int]:
    """Walk the headers, each with its checksum; give paths and sizes, and where the manifest lies."""
    files: list[tuple[str, int]] = []
    at, manifest_at, manifest_size = 0, -1, 0
    while at < len(tar):
        header = tar[at : at + BLOCK]
        if header[0] == 0:
            break
        # The sum of all bytes: Adler-32 begun at 0 has it in its low half, for up to 256 bytes.
        total = (zlib.adler32(header[:256], 0) & 0xFFFF) + (zlib.adler32(header[256:], 0) & 0xFFFF)
        total += 256 - sum(header[148:156])
        if int(header[148:156].strip(b"\0 "), 8) != total:
            raise ValueError("the checksum of a header is wrong")
        path = header[: header.index(0)] if header[99] == 0 else header[:100]
        size = int(header[124:136].strip(b"\0 "), 8)
        files.append((path.decode(), size))
        if path.count(b"/") == 1 and path.endswith(b"/Cargo.toml"):
            manifest_at, manifest_size = at + BLOCK, size
        at += BLOCK + size + -size % BLOCK
    return files, manifest_at, manifest_size


def _line(manifest: dict[str, dict[str, object]], name: str, vers: str, cksum: str) -> bytes:
    line = {
        "name": name,
        "vers": vers,
        "deps": manifest.get("dependencies", {}),
        "cksum": cksum,
        "features": manifest.get("features", {}),
        "yanked": False,
    }
    return encode(line)


def _write_index(tree: str, lines: list[Line]) -> None:
    crates: defaultdict[str, list[tuple[str, bytes]]] = defaultdict(list)
    for name, vers, line in lines:
        crates[name].append((vers, line))
    made: set[str] = set()
    for name, versions in crates.items():
        folder = _index_folder(tree, name.lower())
        if folder not in made:
            os.makedirs(folder, exist_ok=True)
            made.add(folder)
        content = b"".join(line + b"\n" for _, line in sorted(versions))
        _replace(f"{tree}/stage/index", f"{folder}/{name.lower()}", content)


def _index_folder(tree: str, name: str) -> str:
    if len(name) < 4:
        return f"{tree}/index/{len(name)}" + (f"/{name[0]}" if len(name) == 3 else "")
    return f"{tree}/index/{name[:2]}/{name[2:4]}"


def _replace(stage: str, path: str, content: bytes) -> None:
    with open(stage, "wb", buffering=0) as file:
        file.write(content)
    os.rename(stage, path)


def walk(folder: str) -> int:
    """List a folder and stat each file; give the number of bytes."""
    return sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(folder))


def main() -> None:
    verb, drop, *tree = sys.argv[1:]
    begun = time.perf_counter()
    done = walk(drop) if verb == "walk" else cold(drop, tree[0])
    print(json.dumps({"done": done, "seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    main()
