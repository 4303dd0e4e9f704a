"""A tree in a folder, asked as a good web server would answer for it, before there is one."""

import hashlib
import stat
from collections.abc import Iterator, Mapping
from email.message import Message
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cargo_static_index.client.doctor import Diagnosis, Get
from cargo_static_index.client.http import Answer
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.protocol.config import base_url_of, parse_config
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.tree.read import index_paths, read_index_at


def base_url_in(folder: Path) -> str:
    """Give the URL that a tree is made for; SettingsError where its config.json does not tell."""
    file = folder / "index/config.json"
    try:
        found = base_url_of(parse_config(file.read_bytes()))
    except FileNotFoundError as error:
        raise SettingsError(f"{folder} holds no registry: there is no index/config.json in it") from error
    if found is None:
        raise SettingsError(f"{file} was not written by this program; name the URL under which it is served")
    return found


def some_crate_in(folder: Path) -> str | None:
    """Give a crate that a tree's index holds; None where it holds none."""
    store = LocalStore(folder)
    files = (read_index_at(store, path).value for path in index_paths(store))
    return next((line.name for file in files for line in file.releases), None)


def asking(folder: Path, base_url: str, elsewhere: Get) -> Get:
    """Give what answers for the files of a tree below its base URL; for all else `elsewhere` is asked."""

    def get(url: str, headers: Mapping[str, str]) -> Answer:
        if not url.startswith(base_url):
            return elsewhere(url, headers)
        path = unquote(urlsplit(url).path.removeprefix(urlsplit(base_url).path))
        return _answer(folder / path, url, headers)

    return get


def _answer(file: Path, url: str, headers: Mapping[str, str]) -> Answer:
    answered = Message()
    if not file.is_file():
        return Answer(status=404, headers=answered, content=b"", url=url)
    content = file.read_bytes()
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    answered["ETag"] = etag
    unchanged = headers.get("If-None-Match") == etag
    return Answer(status=304 if unchanged else 200, headers=answered, content=b"" if unchanged else content, url=url)


def look_at(folder: Path) -> Iterator[Diagnosis]:
    """Give what keeps a web server, which runs as another user, from files of the index and archives: one of a kind."""
    for name, needs in (("index", "**/*"), ("crates", "*")):
        for path in (folder / name, *sorted((folder / name).glob(needs))):
            mode = path.stat().st_mode
            wanted = stat.S_IROTH | stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH
            if mode & wanted != wanted:
                says = f"other users cannot read it (mode {stat.S_IMODE(mode):04o}), and the web server may be one"
                mend = f"chmod -R a+rX {folder}, and set `file-mode` and `dir-mode` in `[tree]`"
                yield Diagnosis(level="warning", url=str(path), says=says, mend=mend)
                break
            if name == "index" and path.name != path.name.lower():
                says = "cargo asks for index files in small letters, and finds this one nowhere but on some disks"
                yield Diagnosis(level="fault", url=str(path), says=says, mend="give it its name in small letters")
                break
