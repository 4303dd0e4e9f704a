"""The folders that a command needs, looked at before anything is changed: most mistakes are made in a wrong folder."""

from cargo_static_index.cli.run import Run
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.registry.registry import store_of
from cargo_static_index.store import Store
from cargo_static_index.tree import layout


def held_tree(run: Run) -> Store:
    """Give the store of a tree that is there, or raise SettingsError: a command on what is held makes no tree."""
    store = store_of(run.settings)
    if not _is_tree(store):
        where = f"there is no registry in {str(run.settings.tree.path)!r}"
        raise SettingsError(f"{where}; name its folder with --tree, or make it with `build`{_hint(run)}")
    return store


def _is_tree(store: Store) -> bool:
    """Whether anything of a tree is there, be it damaged."""
    known = (layout.CONFIG, layout.RECORD)
    return any(store.size(path) is not None for path in known) or any(True for _ in store.list(layout.INDEX))


def need_drop(run: Run) -> None:
    """Raise SettingsError where there is no drop directory."""
    drop = run.settings.drop.path
    if not drop.exists():
        where = f"the drop directory {str(drop)!r} is not there"
        raise SettingsError(f"{where}; make it, or name another with --drop{_hint(run)}")


def _hint(run: Run) -> str:
    """Give what else may be wrong where no settings were found."""
    if run.loaded.file:
        return ""
    return "; no registry.toml was found here or above: is this the right folder? (`init` begins a registry)"
