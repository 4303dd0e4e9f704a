"""Loading the rules of one's own that the settings name. Their file is run: only who may decide what runs names it."""

import sys
from functools import lru_cache
from hashlib import sha256
from importlib.abc import ExecutionLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

from cargo_static_index.crate.policy import OwnRules
from cargo_static_index.diagnostics.errors import InvalidInput, SettingsError


class FileRules(OwnRules, frozen=True, kw_only=True):
    """Rules of a file of Python. They travel to other processes as its text, so that all have the same."""

    path: str
    source: str

    def __reduce__(self) -> tuple[object, ...]:
        return rules_of, (self.path, self.source)


def load_own_rules(path: Path) -> FileRules:
    """Read and run a file that has `RULES` and `check`, or raise SettingsError."""
    try:
        source = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"registry.own-rules: {str(path)!r} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"registry.own-rules: {str(path)!r} is not UTF-8 at byte {error.start}") from error
    return rules_of(str(path), source)


@lru_cache(maxsize=8)
def rules_of(path: str, source: str) -> FileRules:
    """Run a file of rules once, or raise SettingsError."""
    digest = sha256(f"{path}\0{source}".encode()).hexdigest()
    try:
        module = _run(f"{__name__}_{digest[:16]}", path, source)
        rules, check = tuple(module.RULES), module.check
    except (Exception, SystemExit) as error:  # it is not our code: whatever it raises is told
        raise SettingsError(f"registry.own-rules: {path!r} cannot be run: {type(error).__name__}: {error}") from error
    try:
        return FileRules(rules=rules, check=check, version=digest, path=path, source=source)
    except InvalidInput as error:
        raise SettingsError(f"registry.own-rules: {path!r}: {error}") from error


def _run(name: str, path: str, source: str) -> ModuleType:
    loader = _Text(path, source)
    spec = spec_from_loader(name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # where its classes look for their names, and pickle for its functions
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class _Text(ExecutionLoader):
    """Loads a module from its text."""

    def __init__(self, path: str, source: str) -> None:
        self._path, self._source = path, source

    def get_filename(self, fullname: str) -> str:  # noqa: ARG002 - a loader has it
        """Give where the text was read, for what is told of errors."""
        return self._path

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - the same
        """Give the text."""
        return self._source
