"""A registry as its settings describe it: the one door through which commands and libraries change a tree."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from msgspec import UNSET
from msgspec.structs import replace

from cargo_static_index._version import __version__
from cargo_static_index.crate.candidate import Candidate, DropFile
from cargo_static_index.diagnostics.errors import InvalidInput, InvalidName, PagesFailed, SettingsError, StoreError
from cargo_static_index.diagnostics.problems import Finding
from cargo_static_index.protocol.config import base_url_of
from cargo_static_index.protocol.names import parse_crate_name
from cargo_static_index.registry import build as passes
from cargo_static_index.registry.agreement import DEFAULT_BASE_URL
from cargo_static_index.registry.configured import has_addresses, home_of, policy_of, store_of
from cargo_static_index.registry.drop import Drop
from cargo_static_index.registry.events import Listener
from cargo_static_index.registry.options import Access, Options
from cargo_static_index.registry.recover import (
    finish_changes,
    finish_withdrawal,
    prune_now_and_then,
    reconcile,
    recover,
    switch_addresses,
)
from cargo_static_index.registry.scan import Due
from cargo_static_index.registry.transaction import Transaction, open_transaction
from cargo_static_index.registry.workers import Executor, Far, few_collections
from cargo_static_index.settings import Settings, limits_of
from cargo_static_index.state import copy_state, may_write
from cargo_static_index.store import Store
from cargo_static_index.store.bucket import Bucket
from cargo_static_index.store.open import open_tree
from cargo_static_index.tree import layout
from cargo_static_index.tree.read import read_config, read_record

if TYPE_CHECKING:  # loaded when they are used: most commands make no pages, and neither verify, reindex nor remove
    from cargo_static_index.registry.archives import GivenArchive, LeftBehind
    from cargo_static_index.registry.reindex import Reindexed
    from cargo_static_index.registry.site.writer import SiteWriter
    from cargo_static_index.registry.sync import Synced
    from cargo_static_index.registry.verify.work import Work
    from cargo_static_index.registry.withdraw import Spec, Withdrawn
    from cargo_static_index.tree.owners import Owners


class Registry:
    """A registry that is open; `open_registry` makes it.

    Others are kept out while it changes, not while it reads; they are let in between two batches of crates. `reindex`
    keeps them out until its iterator is at its end. Once it is closed, all of this raises StoreError.
    """

    def __init__(self, settings: Settings, transaction: Transaction, options: Options) -> None:
        self._settings = settings
        self._pages = _pages(transaction, settings, keep=options.keep_pages)
        self._options = options
        self._begun = False
        self._closed = False
        self._scanned = False
        self.transaction = transaction
        self._policy = policy_of(settings, transaction.home, options.own_rules)

    def build(
        self,
        *,
        all_or_nothing: bool = False,
        executor: Executor | None = None,
        far: Far | None = None,
        due: Due | None = None,
        take: Callable[[DropFile], bool] | None = None,
    ) -> None:
        """Publish what is new in the drop directory; raises SettingsError where it cannot be listed.

        It is read in an `executor`'s processes, or on machines that are `far` and can open drop directory and tree.
        `due` and `take` say when a file may be read, and how many are.
        """
        self._scanned = True
        options = replace(self._options, all_or_nothing=all_or_nothing, due=due, take=take)
        drop = drop_of(self._settings)
        self._make_pages_with(executor, far)
        if self.transaction.log:
            self.take()
            finish_removals(self.transaction, self._pages, finish_changes(self.transaction), told=True)
            if self._pages:
                self._pages.catch_up()
        self.transaction.leave()
        passes.read_drop(self.transaction, drop, self._policy, options, executor, far)
        self._carry_out(passes.publish_read(self.transaction, drop, self._policy, options, far))

    def add(
        self,
        files: "Sequence[Path | GivenArchive]",
        *,
        restore: bool = False,
        all_or_nothing: bool = False,
        executor: Executor | None = None,
    ) -> None:
        """Publish files given by name, or archives given as values; `restore` brings removed releases back.

        InvalidInput for a `pubtime` that is none or content of another type, before anything is read, and for a stream
        that gives text.
        """
        options = replace(self._options, all_or_nothing=all_or_nothing, restore=restore)
        self._make_pages_with(executor)
        self.transaction.leave()
        named = [file for file in files if isinstance(file, Path)]
        passes.read_named(self.transaction, named, self._policy, options, executor)
        if len(named) < len(files):
            from cargo_static_index.registry.archives import GivenArchive, read_archives

            read_archives(self.transaction, [file for file in files if isinstance(file, GivenArchive)], self._policy)
        self._carry_out(passes.publish_read(self.transaction, None, self._policy, options))

    def add_read(self, read: Sequence[tuple[Candidate, Path]]) -> None:
        """Publish what `Reader.read_staged` gave, each with the folder that it is staged in, which it leaves."""
        self._make_pages_with(None)
        self.take()  # before the files leave their folders: whoever waited in vain may try again
        passes.take_read(self.transaction, read)
        self._carry_out(passes.publish_read(self.transaction, None, self._policy, self._options))

    def set_yanked(self, specs: "Sequence[Spec]", *, yanked: bool) -> "tuple[Spec, ...]":
        """Yank or unyank releases, and give those that changed; NotHeld before anything is changed."""
        from cargo_static_index.registry.withdraw import set_yanked

        self.take()
        return set_yanked(self.transaction, specs, yanked=yanked)

    def remove(self, specs: "Sequence[Spec]", *, now: bool = False) -> "tuple[Spec, ...]":
        """Remove releases for good, and give those not removed before; NotHeld before anything is changed.

        Their archives are kept for as long as the settings say, or go `now`, as do those that are kept of them.
        """
        from cargo_static_index.registry.kept import finish_kept, seconds_to_keep
        from cargo_static_index.registry.withdraw import withdraw

        self.take()
        keep = 0.0 if now else seconds_to_keep(self._settings)
        withdrawn = withdraw(self.transaction, specs, keep=keep)
        finish_removals(self.transaction, self._pages, withdrawn)
        if now:
            finish_kept(self.transaction, [(spec.name, spec.vers) for spec in specs])
        return tuple(spec for crate in withdrawn for spec in crate.gone)

    def kept_until(self) -> "Mapping[Spec, str]":
        """Give the removed releases whose archives are kept, each with the time until when, written as `pubtime` is."""
        from cargo_static_index.registry.withdraw import Spec
        from cargo_static_index.tree.kept import kept_until

        self._need_open()
        return {Spec(*release): until for release, until in kept_until(self.transaction.store).items()}

    def dropped_files(self, spec: "Spec") -> list[str]:
        """Give the files of a release that lay in the drop directory when it was last looked at, and still do."""
        self._need_open()
        drop = drop_of(self._settings)
        files = self.transaction.state.drop_files.of_release(spec.name, spec.vers)
        return [str(drop.path / file) for file in files if drop.holds(file)]

    def owners(self, name: str) -> "Owners | None":
        """Give the owners of a crate, None where nothing says who they are."""
        from cargo_static_index.tree.owners import read_owners

        self._need_open()
        return read_owners(self.transaction.store, name).value

    def change_owners(
        self, name: str, *, add: Sequence[str] = (), remove: Sequence[str] = (), trusted_only: bool | None = None
    ) -> "Owners":
        """Add and remove owners of a crate, and give those that it has then; InvalidInput before anything changes.

        `trusted_only` says whether cargo may publish it by trusted publishing alone.
        """
        from cargo_static_index.registry.owners import change_owners

        self._need_open()
        return change_owners(self.transaction, name, add=add, remove=remove, trusted_only=trusted_only)

    def plan_reindex(self, names: Iterable[str] = ()) -> "Iterator[Reindexed]":
        """Give what `reindex` would change; NotHeld for a crate that is not there."""
        from cargo_static_index.registry.reindex import home_for, plan_reindex

        self.take()
        return plan_reindex(self.transaction, home_for(self.transaction, self._settings.registry.mode), names)

    def reindex(self, names: Iterable[str] = ()) -> "Iterator[Reindexed]":
        """Derive the lines of these crates, or of all, anew from what is stored, as the iterator is read to its end.

        Others are kept out from the call until the registry is closed. Where the settings ask for another mode, it must
        be opened with `Options(change_mode=True)`.
        """
        from cargo_static_index.registry.reindex import apply_reindex, home_for

        self.take()
        return apply_reindex(self.transaction, home_for(self.transaction, self._settings.registry.mode), names)

    def sync(self, source: Store, *, delete: bool = False) -> "Synced":
        """Bring this tree in step with another; with `delete` what is only here is removed."""
        from cargo_static_index.registry.kept import seconds_to_keep
        from cargo_static_index.registry.sync import Sync

        self.take()
        work = Sync(self.transaction, source, limits_of(self._settings), keep=seconds_to_keep(self._settings))
        finish_removals(self.transaction, self._pages, list(work.run(delete=delete)))
        return work.synced

    def rebuild(self) -> None:
        """Make the state anew from the tree alone."""
        self.take()
        finish_removals(self.transaction, self._pages, finish_changes(self.transaction), told=True)
        finish_removals(self.transaction, self._pages, reconcile(self.transaction, agreed=True), told=True)

    def remake_pages(self) -> None:
        """Have all pages made anew when the registry is closed."""
        self.take()
        if self._pages:
            self._pages.remake()

    def take(self) -> None:
        """Keep others out from here on, and finish what an earlier process left half done; TreeBusy in the end."""
        self._need_open()
        if not self.transaction.held:
            self.transaction.take()
            self._recover()

    def close(self) -> None:
        """Say that nothing more is done with it: StoreError for whoever tries."""
        self._closed = True

    def _need_open(self) -> None:
        if self._closed:
            raise StoreError("the registry is closed; open it again with `open_registry`")

    def finish(self) -> None:
        """Bring the pages in step; StoreError or PagesFailed says what could not be done. The last of an opening."""
        self.take()
        transaction, pages = self.transaction, self._pages
        if pages:
            self._carry_out(pages.finish(scanned=self._scanned))
        elif not transaction.state.pages.idle:
            transaction.state.pages.clear()  # wanted again, all of them are made anew
        transaction.finish()
        if transaction.failures:
            more = f", and {len(transaction.failures) - 1} more" if len(transaction.failures) > 1 else ""
            raise StoreError(f"{transaction.failures[0]}{more}; all else is done, and the next build tries again")
        if self._scanned:
            transaction.state.site = replace(transaction.state.site, last_build=transaction.options.now)
            prune_now_and_then(transaction)
        transaction.state.compact()
        if pages and pages.failures:
            raise PagesFailed(_failed(pages.failures))

    def _carry_out(self, steps: Iterator[None]) -> None:
        """Carry out steps, between any two of which others may come in who wait."""
        self.take()
        with few_collections():
            for _ in steps:
                if self.transaction.breathe():
                    self._recover()

    def _recover(self) -> None:
        left = recover(self.transaction, first=not self._begun)
        if not self._begun:
            switch_addresses(self.transaction)
        finish_removals(self.transaction, self._pages, left, told=True)
        _finish_kept(self.transaction)
        if self._pages and not self._begun:
            self._pages.begin()
        self._begun = True

    def _make_pages_with(self, executor: Executor | None, far: Far | None = None) -> None:
        self._need_open()
        if self._pages:
            self._pages.executor = far.executor if far else executor
            self._pages.far = far is not None


@contextmanager
def open_registry(
    settings: Settings,
    listener: Listener,
    options: Options,
    *,
    access: Access | None = None,
    store: Store | None = None,
) -> Iterator[Registry]:
    """Open a registry, so that nothing in it is left half done.

    `access` is "write" unless `options` are those of a dry run. What a dry run is told to do it does to an overlay, and
    to a copy of the state. Raises SettingsError or StoreError before anything is changed, TreeBusy where others keep
    it for longer than the settings let it wait, and PagesFailed at the end where single pages could not be made.
    InvalidInput for another `access`.
    """
    if access not in {None, *get_args(Access)}:
        raise InvalidInput(f"`access` is {access!r}, and not one of {', '.join(map(repr, get_args(Access)))}")
    access = access or ("dry" if options.dry else "write")
    options = replace(options, dry=access != "write")
    settings = replace(settings, registry=replace(settings.registry, pages=False)) if access == "look" else settings
    with ExitStack() as stack:
        tree = store or store_of(settings)
        transaction = _open_and_tell(settings, tree, listener, options, access, stack)
        registry = Registry(settings, transaction, options)
        if access != "look" and not (transaction.in_step or transaction.others):
            registry.take()  # what is found now is found by whoever looks at the tree meanwhile
        try:
            yield registry
            registry.finish()
        finally:
            registry.close()


def _open_and_tell(
    settings: Settings, tree: Store, listener: Listener, options: Options, access: Access, stack: ExitStack
) -> Transaction:
    """Open a transaction that tells others at its end what it changed, where the settings want that."""
    if not (settings.registry.on_change or settings.registry.changed_urls):
        return _open(settings, tree, listener, options, access, stack)
    from cargo_static_index.registry.on_change import telling

    tells = stack.enter_context(telling(settings, listener, options))
    transaction = _open(settings, tree, tells.listener, options, access, stack)
    tells.opened(transaction.base_url, now=options.now, holds_releases=transaction.record.releases > 0)
    return transaction


def _open(
    settings: Settings, tree: Store, listener: Listener, options: Options, access: Access, stack: ExitStack
) -> Transaction:
    """Open a transaction; whoever changes nothing needs no right to write, and works on a copy of the state.

    Who only looks does so on the state itself, for a moment: what happens to it is taken back.
    """
    if access == "look" and settings.registry.base_url is None and tree.size(layout.CONFIG) is None:
        settings = replace(settings, registry=replace(settings.registry, base_url=DEFAULT_BASE_URL))
    folder = settings.state.path
    shared = access == "look" and may_write(folder)
    if access != "write" and not shared:
        folder = copied_state(known_state(settings), stack)
    return stack.enter_context(open_transaction(tree, folder, settings, listener, options, shared=shared))


def finish_removals(
    transaction: Transaction, pages: "SiteWriter | None", withdrawn: "Sequence[Withdrawn]", *, told: bool = False
) -> None:
    """Delete the archives of what is withdrawn, once no page leads to them; it is `told` of what had broken off."""
    if not withdrawn:
        return
    from cargo_static_index.registry.withdraw import delete_archives

    if pages:
        for _ in pages.make_crates():
            pass
    delete_archives(transaction, withdrawn)
    for name, vers in ((crate.name, vers) for crate in withdrawn if told for vers in crate.versions):
        transaction.listener.note(f"The removal of {name} {vers}, which had broken off, is finished.")


def _finish_kept(transaction: Transaction) -> None:
    """Delete the kept archives whose time has come, where any are kept."""
    if transaction.record.keeps_until is not UNSET:
        from cargo_static_index.registry.kept import finish_kept

        finish_kept(transaction)


def _failed(failures: Mapping[str, str]) -> str:
    (path, reason), *others = failures.items()
    more = f", and {len(others)} more cannot" if others else ""
    return (
        f"{path}: this page cannot be made ({reason}){more}; "
        "all else is done, and `cargo-static-index verify` names what is not there"
    )


def _pages(transaction: Transaction, settings: Settings, *, keep: bool = False) -> "SiteWriter | None":
    """Give what makes the pages, where the settings want any."""
    if not settings.registry.pages:
        return None
    from cargo_static_index.registry.site.writer import SiteWriter

    return SiteWriter(transaction, settings, keep=keep)


def known_state(settings: Settings) -> Path:
    """Give the state directory to learn from: another user's, as long as there is none of the caller's own."""
    own, shared = settings.state.path, settings.shared_state
    return own if shared is None or may_write(own) else shared


def copied_state(folder: Path, stack: ExitStack) -> Path:
    """Give a copy of the state directory, to be written to and thrown away."""
    from tempfile import TemporaryDirectory

    copy = Path(stack.enter_context(TemporaryDirectory(prefix="cargo-static-index-")))
    copy_state(folder, copy)
    return copy


def verify_registry(
    settings: Settings,
    listener: Listener,
    options: Options,
    *,
    quick: bool = False,
    deep: bool = False,
    fix: bool = False,
    store: Store | None = None,
    work: "Work | None" = None,
    names: Collection[str] | None = None,
) -> Iterator[Finding]:
    """Look at the whole tree as it stands, or at the crates of these `names`, and give what is wrong.

    Without `fix` nothing is locked or changed; what is suspected while others change the tree is looked at again. With
    it the tree is locked from the first finding until the iterator is read to its end or closed, and what can be mended
    without changing a release is mended, or would be in a dry run; each finding says so. Raises SettingsError where the
    tree cannot be used at all. `work` says which archives are opened, and in which processes; where something may be
    mended, all is done in this one. Archives in a bucket are read only if `deep`, or a share of them: else they are
    held against what the store says of them.

    NotHeld for a name that the tree knows nothing of; SettingsError for what is no name, and for names with `fix`.
    """
    tree = store or store_of(settings)
    if names is not None:
        if fix:
            raise SettingsError("`fix` mends the whole tree: leave `names` out")
        from cargo_static_index.registry.similar import need_crates

        need_crates(tree, [spec.name for spec in specs_of(names)])
    deep = deep or not tree.shared or (work is not None and work.share is not None)
    if not (deep or quick):
        listener.note("archives are held against their sizes and their metadata, and not read; --deep reads them")
    if fix:
        yield from _mend(settings, tree, listener, options, quick=quick, deep=deep)
    else:
        yield from _look(settings, tree, listener, quick=quick, deep=deep, work=work, names=names)


def _look(
    settings: Settings,
    tree: Store,
    listener: Listener,
    *,
    quick: bool,
    deep: bool,
    work: "Work | None",
    names: Collection[str] | None,
) -> Iterator[Finding]:
    """Look at a tree as it stands, and again at what is suspected while others change it."""
    from cargo_static_index.registry.verify.again import confirmed
    from cargo_static_index.registry.verify.tree import verify_tree
    from cargo_static_index.registry.verify.work import HERE, resumed

    work = work or HERE
    look = partial(
        verify_tree,
        tree,
        home_of(settings, tree),
        limits_of(settings),
        quick=quick,
        pages=settings.registry.pages,
        addresses=has_addresses(tree, settings),
    )

    def look_again(some: Collection[str], *, whole: bool) -> Iterator[Finding]:
        yield from look(deep=deep, names=some)
        if whole:
            yield from look(deep=False)

    def look_first() -> list[Finding]:
        if quick or not deep or names is not None:
            return list(look(deep=deep, work=work, names=names))
        question = (str(settings.tree.path), work.share, __version__)
        with resumed(settings.state.path, question, listener.note) as before:
            return list(look(deep=deep, work=replace(work, opened=before.opened, seen=before.seen)))

    yield from confirmed(tree, look_first, look_again, work.rest, listener.warn)


def _mend(
    settings: Settings, tree: Store, listener: Listener, options: Options, *, quick: bool, deep: bool
) -> Iterator[Finding]:
    """Lock a tree, bring it in step as any change does, and mend what is found in it."""
    from cargo_static_index.registry.restore import trust_last_record
    from cargo_static_index.registry.verify.tree import check_config

    config = list(check_config(tree))
    options = replace(options, change_mode=True)
    with ExitStack() as stack:
        access: Access = "dry" if options.dry else "write"
        transaction = _open_and_tell(settings, tree, listener, options, access, stack)
        transaction.take()
        trust_last_record(transaction)
        switch_addresses(transaction)
        if not any(check_config(transaction.store)):
            yield from (replace(finding, fixed=True) for finding in config)  # opening a tree writes it
        pages = _pages(transaction, settings)
        finish_removals(transaction, pages, finish_changes(transaction), told=True)
        _finish_kept(transaction)
        yield from _mended(transaction, settings, pages, quick=quick, deep=deep)
        transaction.finish()


def _mended(
    transaction: Transaction, settings: Settings, pages: "SiteWriter | None", *, quick: bool, deep: bool
) -> Iterator[Finding]:
    """Mend a transaction's tree; all that is wrong with its pages is mended together, once it is known."""
    from cargo_static_index.registry.restore import known_to
    from cargo_static_index.registry.site.check import check_pages
    from cargo_static_index.registry.verify.tree import mend, verify_tree

    limits = limits_of(settings)
    of_pages: list[Finding] = []
    for finding in verify_tree(
        transaction.store,
        transaction.home,
        limits,
        known=known_to(transaction),
        quick=quick,
        deep=deep,
        pages=pages is not None,
        addresses=transaction.record.version_addresses is True,
    ):
        if finding.fix == "make-pages":
            of_pages.append(finding)
        elif finding.fix in {"finish-removal", "recount"}:
            withdrawn = _removals_left(transaction, finding)
            finish_removals(transaction, pages, withdrawn, told=finding.fix == "recount")
            yield replace(finding, fixed=True)
        else:
            yield mend(transaction, finding, limits, drop_of(settings))
    if pages and of_pages:
        finish_removals(transaction, pages, recover(transaction), told=True)
        pages.begin()
        if transaction.log or any(finding.id != "pages-outdated" for finding in of_pages):
            pages.remake()
        for _ in pages.finish(scanned=False):
            pass
        left = {other.path for other in check_pages(transaction.store)}
        yield from (replace(finding, fixed=finding.path not in left) for finding in of_pages)


def _removals_left(transaction: Transaction, finding: Finding) -> "Sequence[Withdrawn]":
    """Mend tombstones, or the sums in tree.json, and give what removals that broke off left to delete."""
    if finding.fix == "recount":
        return reconcile(transaction, agreed=True)  # nothing is left that lost lines could have named
    name = finding.path.split("/")[1]
    withdrawn = finish_withdrawal(transaction, name)
    return [withdrawn] if withdrawn else []


def drop_of(settings: Settings) -> Drop:
    """Give the drop directory that the settings describe."""
    drop = settings.drop
    settle = settings.watch.settle
    return Drop(path=drop.path, refused=drop.refused, after_publish=drop.after_publish, settle=settle)


def specs_of(texts: Iterable[str]) -> "tuple[Spec, ...]":
    """Read `NAME@VERSION` or `NAME`, as cargo's `yank` takes them, or raise SettingsError."""
    if isinstance(texts, str):
        raise SettingsError(f"{texts!r} is one text; give several, as in `specs_of([{texts!r}])`")
    return tuple(map(_spec, texts))


def _spec(text: str) -> "Spec":
    from cargo_static_index.registry.withdraw import Spec

    name, _, vers = text.partition("@")
    if "@" in vers:
        raise SettingsError(f"{text!r} names no release: it has two `@`; write `foo`, or `foo@1.0.0` for a release")
    try:
        parse_crate_name(name)
    except InvalidName as error:
        raise SettingsError(f"{text!r} names no crate: {error}; write `foo`, or `foo@1.0.0` for a release") from error
    return Spec(name, vers)


def sync_trees(
    source: Path | Bucket, settings: Settings, listener: Listener, options: Options, *, delete: bool = False
) -> "Synced":
    """Bring the tree that the settings name in step with the one at `source`, and say what came of it.

    A new one gets the source's base URL and mode unless the settings say another; one that is there keeps its own.
    SettingsError where there is no tree at the source, StoreError where it cannot be read.
    """
    tree, target = open_tree(source), store_of(settings)
    settings = continuing(tree, target, settings, str(source))
    with open_registry(settings, listener, options, store=target) as opened:
        return opened.sync(tree, delete=delete)


def promote_releases(
    source: Path | Bucket, specs: "Sequence[Spec]", settings: Settings, listener: Listener, options: Options
) -> "list[LeftBehind]":
    """Publish releases of the tree at `source` in that of the settings, and give what they need and it does not hold.

    They keep their `pubtime` and yank, and are checked as any other. The source's URL becomes an alias. NotHeld for a
    release that is not at the source; SettingsError where there is no tree there, or none of the settings'.
    """
    tree, target = open_tree(source), store_of(settings)
    if read_config(target) is None:
        raise SettingsError(f"there is no registry in {str(settings.tree.path)!r}; begin one with `build`")
    went_on = continuing(tree, target, settings, str(source))
    settings = replace(went_on, registry=replace(went_on.registry, mode=settings.registry.mode))
    from cargo_static_index.registry.archives import left_behind, released_archives

    archives, left = released_archives(tree, specs), left_behind(tree, target, specs)
    with open_registry(settings, listener, options, store=target) as opened:
        opened.add(archives)
    return left


def continuing(source: Store, target: Store, settings: Settings, shown: str) -> Settings:
    """Give the settings by which a target goes on from a source, which only the trees know in part.

    SettingsError where there is no tree at the source, `shown` as the user wrote it.
    """
    base_url, held = base_url_of(read_config(source)), read_record(source)
    if base_url is None or held.stored is None:
        raise SettingsError(f"there is no registry in {shown!r}, so nothing can be copied from it")
    own = base_url_of(read_config(target)) or settings.registry.base_url or base_url
    aliases = (*held.value.aliases, base_url) if base_url != own else held.value.aliases
    registry = replace(
        settings.registry,
        base_url=own,
        mode=settings.registry.mode or held.value.mode,
        aliases=tuple(dict.fromkeys((*settings.registry.aliases, *(alias for alias in aliases if alias != own)))),
    )
    return replace(settings, registry=registry)
