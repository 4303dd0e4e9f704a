"""Publishing what arrived: decide crate by crate, write archives, then index files, then what is derived.

The order is the promise (law 3): archive and metadata is durable before the line that names them is written,
and everything derived comes after. Index files are changed by compare and swap; where somebody else was
quicker the crate is read and planned again.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index.crate.candidate import Candidate, Need, Outcome
from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.diagnostics.problems import Problem, level_of, problem
from cargo_static_index.diagnostics.rule import Level
from cargo_static_index.protocol.index_file import IndexFile, Line
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.protocol.semver import order_key
from cargo_static_index.registry.read import staged_metadata
from cargo_static_index.registry.restore import sound_index
from cargo_static_index.registry.shared import IndexChange, crate_name
from cargo_static_index.registry.tombstones import sound_tombstones, update_tombstones
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.store import Change, Delete, Put, Staged, Uploads
from cargo_static_index.store.pauses import attempts
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import Tombstones, format_document
from cargo_static_index.tree.headers import release_tag
from cargo_static_index.tree.missing import grouped, missing_of
from cargo_static_index.tree.plan import CratePlan, plan_crate, spelling
from cargo_static_index.tree.read import StoredValue, is_whole, read_index, replaced

CRATES_AT_ONCE = 256
"""How many crates share a batch, and so its flushes."""

HELD_SHOWN = 5
"""Versions that a sentence names beside a requirement that none of them satisfies: the newest."""


class _Planned(Struct, frozen=True, dict=True):
    """A plan, and what it was made from."""

    group: list[Candidate]
    index: StoredValue[IndexFile]
    tombstones: StoredValue[Tombstones]
    plan: CratePlan

    @cached_property
    def change(self) -> IndexChange:
        """What becomes of the index file."""
        return IndexChange(self.index, self.plan.file, self.plan.tombstones)

    @property
    def brings_back(self) -> bool:
        """Whether a release comes back that was removed."""
        return any(stone.lifted for stone in self.plan.tombstones.removed)


class Publisher:
    """Publishes the files that a transaction's state holds as incoming.

    `name` is the registry's own, for ways out. `restore` brings removed releases back; `mend` puts archives back
    that the tree lost, at the price of reading those of all files that are published already. What was read is staged
    in the `uploads` of a store, where other machines read it.
    """

    def __init__(
        self,
        transaction: Transaction,
        levels: Mapping[str, Level],
        *,
        name: str | None = None,
        restore: bool = False,
        mend: bool = False,
        uploads: Uploads | None = None,
    ) -> None:
        self._transaction = transaction
        self._levels = levels
        self._name = name
        self._restore = restore
        self._mend = mend
        self._uploads = uploads
        self._stage = str(transaction.stage)
        self._adopted: set[str] = set()
        self._put_back: set[str] = set()
        self._held: frozenset[str] = frozenset()

    def published(self) -> Iterator[list[Outcome]]:
        """Publish all that is incoming, and give what became of each file, batch by batch, once it is durable."""
        return map(self._publish_crates, self._batches())

    def planned(self) -> Iterator[list[Outcome]]:
        """Give what would become of each file, and change nothing."""
        for crates in self._batches():
            yield [outcome for name, group in crates.items() for outcome in self._plan(name, group).plan.outcomes()]

    def _batches(self) -> Iterator[dict[str, list[Candidate]]]:
        """Give what is incoming by the name that its crate has or would have, some crates at a time."""
        candidates = self._transaction.state.candidates
        keys = iter(candidates.keys())
        while batch := list(islice(keys, CRATES_AT_ONCE)):
            groups = self._with_confusions(candidates.between(batch[0], batch[-1]))
            yield self._named(self._with_like_removed(self._with_missing(groups).values()))

    def _named(self, groups: Iterable[list[Candidate]]) -> dict[str, list[Candidate]]:
        """Give candidates by the name that their crate has or would have."""
        by_key = {collision_key(group[0].name): group for group in groups}
        held = self._transaction.names_of(by_key, {key: spelling(group) for key, group in by_key.items()})
        self._held = frozenset(held.values())
        named = {held.get(key) or spelling(group): group for key, group in by_key.items()}
        self._transaction.expect(list(named))
        return named

    # What only the registry as a whole can say -----------------------------------------------------------

    def _with_confusions(self, groups: Mapping[str, Sequence[Candidate]]) -> dict[str, list[Candidate]]:
        """Add `dependency-likely-ours`, or `dev-…`, to those that depend on crates.io for a name of this registry."""
        if self._transaction.home.mode == "mirror":
            return {key: list(group) for key, group in groups.items()}
        outside = {
            need.key for group in groups.values() for candidate in group for need in candidate.needs if not need.here
        }
        ours = {**self._transaction.state.candidates.names_of(outside), **self._transaction.names_of(outside)}
        if not ours:
            return {key: list(group) for key, group in groups.items()}
        return {key: [self._with_confusion(candidate, ours) for candidate in group] for key, group in groups.items()}

    def _with_confusion(self, candidate: Candidate, ours: Mapping[str, str]) -> Candidate:
        found = tuple(
            self._confusion(need, ours[need.key]) for need in candidate.needs if not need.here and need.key in ours
        )
        return self._with(candidate, found)

    def _with_like_removed(self, groups: Iterable[list[Candidate]]) -> Iterator[list[Candidate]]:
        """Add `name-like-removed` to what would be taken for a crate that was removed."""
        groups = list(groups)
        keys = [collision_key(group[0].name) for group in groups]
        removed = dict(self._transaction.state.published.removed_names(keys))
        for key, group in zip(keys, groups, strict=True):
            yield [self._like_removed(candidate, removed[key]) for candidate in group] if key in removed else group

    def _like_removed(self, candidate: Candidate, removed: str) -> Candidate:
        if candidate.name == removed:
            return candidate
        message = f"`{candidate.name}` differs only in case, or in `-` and `_`, from `{removed}`, which was removed."
        return self._with(candidate, (problem("name-like-removed", message, place=candidate.name),))

    def _with(self, candidate: Candidate, found: tuple[Problem, ...]) -> Candidate:
        """Add problems to a candidate, which may keep it out."""
        if not found:
            return candidate
        keeps_out = any(level_of(one, self._levels) == "refuse" for one in found)
        return replace(candidate, problems=candidate.problems + found, refused=candidate.refused or keeps_out)

    def _with_missing(self, groups: Mapping[str, list[Candidate]]) -> Mapping[str, list[Candidate]]:
        """Add `dependency-missing` to those that nobody can resolve, even with all that arrives together."""
        if level_of(problem("dependency-missing"), self._levels) == "allow":
            return groups
        needs = [need for group in groups.values() for candidate in group for need in candidate.needs if need.req]
        if not needs:
            return groups
        arriving = self._transaction.state.candidates.versions_of({need.key for need in needs})
        unmet = missing_of(((need.name, need.req) for need in needs), grouped(arriving))
        held = self._transaction.versions_of({name for name, _ in unmet})
        versions = grouped([*arriving, *((name, vers) for name in held for vers in held[name])])
        says = {need: _says_missing(*need, versions) for need in missing_of(unmet, versions)}
        if not says:
            return groups
        return {key: [self._unresolved(candidate, says) for candidate in group] for key, group in groups.items()}

    def _unresolved(self, candidate: Candidate, says: Mapping[tuple[str, str], str]) -> Candidate:
        missing = [(need, says[need.name, need.req]) for need in candidate.needs if (need.name, need.req) in says]
        found = [problem("dependency-missing", message, place=need.place) for need, message in missing]
        return self._with(candidate, tuple(found))

    def _confusion(self, need: Need, name: str) -> Problem:
        registry = self._name or "NAME"
        rule, level = ("dev-dependency-likely-ours", "allow") if need.dev else ("dependency-likely-ours", "warn")
        return problem(
            rule,
            f"The dependency `{name}` comes from crates.io, but this registry holds or was given a crate of that name.",
            place=need.place,
            way_out=(
                'Set `mode = "mirror"` in `[registry]` where crates are those of crates.io, unchanged, or '
                f'`{rule} = "{level}"` in `[rules]` where both kinds are held; else write '
                f'`{name} = {{ version = "…", registry = "{registry}" }}` in Cargo.toml and package again.'
            ),
        )

    # Carrying out ----------------------------------------------------------------------------------------

    def _publish_crates(self, waiting: Mapping[str, list[Candidate]]) -> list[Outcome]:
        """Publish some crates together; those that another writer changed meanwhile are planned again."""
        outcomes: list[Outcome] = []
        for _ in attempts("the index is"):
            planned = list(self._planned(waiting, outcomes))
            lost = self._carry_out(planned)
            done = [crate for crate in planned if crate.index.path not in lost]
            self._after(done)
            outcomes += [self._or_restored(outcome) for crate in done for outcome in crate.plan.outcomes()]
            again = [crate.group for crate in planned if crate.index.path in lost]
            if not again:
                break
            waiting = self._named(again)
        self._adopted.clear()
        self._transaction.forget()
        return outcomes

    def _or_restored(self, outcome: Outcome) -> Outcome:
        put_back = outcome.status == "unchanged" and outcome.candidate.staged in self._put_back
        return replace(outcome, status="restored") if put_back else outcome

    def _planned(self, waiting: Mapping[str, list[Candidate]], outcomes: list[Outcome]) -> Iterator[_Planned]:
        """Plan crate by crate; one whose tombstones cannot be read is left for a later build, and stops no other."""
        for name, group in waiting.items():
            try:
                yield self._plan(name, group)
            except InvalidDocument as error:
                self._transaction.failures.append(str(error))
                outcomes += [
                    Outcome(candidate=candidate, status="waiting", problems=candidate.problems) for candidate in group
                ]

    def _plan(self, name: str, group: list[Candidate]) -> _Planned:
        index = (
            sound_index(self._transaction, name) if name in self._held else read_index(self._transaction.store, name)
        )
        name = crate_name(index.value) or name  # another writer may have brought it in other case meanwhile
        tombstones = self._tombstones(name, index)
        if self._transaction.upstream:
            group = self._transaction.upstream.dated(name, group)
        # Of what was published when it was read, and is not any more, no more than the checksum was read.
        gone = [candidate for candidate in group if not (candidate.staged or candidate.refused)]
        gone = [candidate for candidate in gone if not _is_published(index.value, candidate)]
        ready = [candidate for candidate in group if candidate not in gone] if gone else group
        plan = plan_crate(name, index.value, tombstones.value, ready, restore=self._restore)
        if gone:
            waiting = (Outcome(candidate=candidate, status="waiting") for candidate in gone)
            plan = replace(plan, refused=(*plan.refused, *waiting))
        return _Planned(group, index, tombstones, plan)

    def _tombstones(self, name: str, index: StoredValue[IndexFile]) -> StoredValue[Tombstones]:
        if self._transaction.log and index.stored is None:  # an index file is kept when its last line goes
            return StoredValue(path=layout.tombstones_file(name), value=Tombstones(name=name), stored=None)
        return sound_tombstones(self._transaction, name)

    def _carry_out(self, planned: Sequence[_Planned]) -> frozenset[str]:
        """Write archives, then index files, and give those that were lost.

        The tombstone of what comes back is marked before its line is written, so that the line is not taken for a
        removal that broke off.
        """
        changed = [crate for crate in planned if crate.plan.published]
        if not changed:
            return frozenset()
        releases = [(crate.plan.name, candidate) for crate in changed for candidate in crate.plan.published]
        archives = [put for name, candidate in releases for put in self._archive(name, candidate)]
        self._transaction.begin_archives(layout.archive_file(name, candidate.cksum) for name, candidate in releases)
        self._transaction.apply(archives)
        lifted = [crate for crate in changed if crate.brings_back]
        self._transaction.state.intents.begin(crate.tombstones.path for crate in lifted)
        stones = (change for crate in lifted for change in _tombstones_changed(crate))
        stale = {change.path for change in self._transaction.apply(stones)}
        ready = self._claimed([crate for crate in changed if crate.tombstones.path not in stale])
        self._transaction.begin([crate.change for crate in ready])
        refused = self._transaction.apply(
            change
            for crate in ready
            for change in self._transaction.replaced(crate.index.path, crate.plan.file.format(), crate.index.stored)
        )
        lost = {change.path for change in refused}
        return frozenset(lost | {crate.index.path for crate in changed} - {crate.index.path for crate in ready})

    def _claimed(self, ready: Sequence[_Planned]) -> Sequence[_Planned]:
        """Claim the names of crates that have no line yet, and leave out those that somebody else claimed just now."""
        new = {collision_key(crate.plan.name): crate.plan.name for crate in ready if not crate.index.value.releases}
        lost = self._transaction.claim(new) if new else ()
        return [crate for crate in ready if collision_key(crate.plan.name) not in lost]

    def _unbury(self, plan: CratePlan) -> None:
        """Take the tombstones of what came back away; tree.json does not count them any more."""
        back = {candidate.vers for candidate in plan.published}
        for vers in back:
            self._transaction.state.drop_files.reopen_release(plan.name, vers)  # files that were refused as removed
        update_tombstones(self._transaction, plan.name, lambda stones: stones.without(back))
        self._transaction.state.intents.finish([layout.tombstones_file(plan.name)])

    def _archive(self, name: str, candidate: Candidate) -> Iterator[Put]:
        """Give the changes that bring a staged archive and its metadata to their places."""
        if candidate.staged in self._adopted:
            return
        self._adopted.add(candidate.staged)
        tags = (release_tag(name, candidate.vers),)
        metadata = staged_metadata(candidate.staged)
        yield Put(path=layout.archive_file(name, candidate.cksum), content=self._content(candidate.staged), tags=tags)
        yield Put(path=layout.metadata_file(name, candidate.cksum), content=self._content(metadata), tags=tags)

    def _content(self, staged: str) -> Staged:
        return self._uploads.staged(staged) if self._uploads else Staged(f"{self._stage}/{staged}")

    def _lost_archives(self, plan: CratePlan) -> Iterator[Change]:
        """Give the changes that put back archives of published releases that the tree lost or that were damaged."""
        for candidate in plan.unchanged:
            if candidate.staged and not candidate.refused and not self._is_there(plan.name, candidate.cksum):
                self._put_back.add(candidate.staged)
                yield from self._archive(plan.name, candidate)

    def _is_there(self, name: str, cksum: str) -> bool:
        """Whether an archive is in the tree, and whole where the file that holds it leaves the drop directory."""
        store = self._transaction.store
        return is_whole(store, name, cksum) if self._mend else store.size(layout.archive_file(name, cksum)) is not None

    def _after(self, done: Sequence[_Planned]) -> None:
        """Bring what is derived in step with index files that were written, and what was adopted in vain away."""
        changed = [crate for crate in done if crate.plan.published]
        if changed:
            self._transaction.changed([crate.change for crate in changed])
        for crate in changed:
            if crate.brings_back:
                self._unbury(crate.plan)
        self._transaction.apply(change for crate in done for change in self._in_vain(crate.plan))
        if self._adopted:
            archives = ((crate.plan.name, candidate.cksum) for crate in done for candidate in crate.group)
            self._transaction.finish_archives(layout.archive_file(name, cksum) for name, cksum in archives)
        unchanged = [crate.plan for crate in done if crate.plan.unchanged]
        if self._transaction.log:
            self._count_others({plan.name for plan in unchanged})
        elif any(map(self._is_news, unchanged)):
            self._transaction.doubt(wholly=True)
        self._transaction.apply(change for crate in done for change in self._lost_archives(crate.plan))
        self._transaction.put_addresses(line for crate in done for line in self._lines_put_back(crate.plan))

    def _lines_put_back(self, plan: CratePlan) -> Iterator[Line]:
        back = {candidate.vers for candidate in plan.unchanged if candidate.staged in self._put_back}
        return (line for line in plan.file.releases if line.vers in back)

    def _count_others(self, names: set[str]) -> None:
        """Count releases that were there already, should their writer not have come to it: it may be dead."""
        for identity, record in self._transaction.changes_of_others() if names else ():
            if names & {file.name for file in record.files}:
                self._transaction.count_change(identity, record)

    def _is_news(self, plan: CratePlan) -> bool:
        """Whether the state lacks what is published already.

        After a power cut it may have lost the intent of a build that wrote the line and never came to tree.json.
        """
        known = {release.vers for release in self._transaction.state.published.releases(plan.name)}
        return any(candidate.vers not in known for candidate in plan.unchanged)

    def _in_vain(self, plan: CratePlan) -> Iterator[Change]:
        for refusal in plan.refused:
            if refusal.candidate.staged in self._adopted:
                for path in layout.archive_and_metadata(plan.name, refusal.candidate.cksum):
                    yield Delete(path=path)


def _is_published(file: IndexFile, candidate: Candidate) -> bool:
    line = file.find(candidate.vers)
    return line is not None and line.cksum == candidate.cksum


def _says_missing(name: str, req: str, held: Mapping[str, Collection[str]]) -> str:
    versions = sorted(set(held.get(name, ())), key=order_key)
    shown = ", ".join(versions[-HELD_SHOWN:])
    what = f"of the versions held, {shown}, none satisfies it" if shown else "no version of it is held here"
    return f"The dependency `{name}` {req}: {what}."


def _tombstones_changed(planned: _Planned) -> tuple[Change, ...]:
    stones = planned.tombstones
    return replaced(stones.path, format_document(planned.plan.tombstones), stones.stored)
