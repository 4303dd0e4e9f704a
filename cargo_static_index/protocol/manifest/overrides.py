"""`[patch]`, `[replace]` and `[workspace]`: without effect in a dependency, but cargo reads them before it goes on.

The rules are those of cargo's src/cargo/util/toml/mod.rs (`patch`, `replace`, `to_workspace_config`).
"""

from collections.abc import Iterator

from msgspec import ValidationError, convert
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.protocol.manifest.dependencies import Detail, check_detail
from cargo_static_index.protocol.manifest.package import Package, trimmed
from cargo_static_index.protocol.manifest.toml import Table, fault, join_path
from cargo_static_index.protocol.package_spec import is_package_name, is_url, parse_package_spec
from cargo_static_index.protocol.semver import parse_requirement, parse_rust_version, parse_version

RESOLVERS = ("1", "2", "3")


def check_overrides(root: Table, package: Package) -> Iterator[Problem]:
    """Find all for which cargo would refuse the three tables; what has the wrong type is told elsewhere."""
    patch, replace, workspace = (root.get(key) for key in ("patch", "replace", "workspace"))
    if patch is not None and replace is not None:
        yield fault("manifest-unusable", "There are both `[patch]` and `[replace]`, of which cargo takes one.", "patch")
    patched = isinstance(patch, dict) and any(patch.values())
    if patched or replace:
        key = "patch" if patched else "replace"
        yield fault("patch-ignored", f"`[{key}]` is not empty, and has no effect in a dependency.", key)
    if isinstance(patch, dict):
        yield from _check_patch(patch)
    if isinstance(replace, dict):
        yield from _check_replace(replace)
    if isinstance(workspace, dict):
        yield from _check_workspace(package, workspace)


def _check_patch(patch: Table) -> Iterator[Problem]:
    for source, packages in patch.items():
        path = join_path("patch", source)
        if source != "crates-io" and not is_url(source, with_path=False):
            message = f"`{path}` names a source that is no URL: {quote(source)}."
            yield fault("manifest-unusable", message, path)
        if isinstance(packages, dict):
            yield from _check_names(packages, path)
            for name, stated in packages.items():
                yield from _check_entry(stated, join_path(path, name))


def _check_replace(replace: Table) -> Iterator[Problem]:
    for text, stated in replace.items():
        path = join_path("replace", text)
        try:
            spec = parse_package_spec(text)
        except InvalidInput as error:
            yield fault("manifest-unusable", f"`{path}`: {error}.", path)
            continue
        if spec.version is None or spec.version.count(".") < 2:
            yield fault("manifest-unusable", f"`{path}` says no version to replace, all three numbers of it.", path)
        if isinstance(stated, str) or (isinstance(stated, dict) and "version" in stated):
            yield fault("manifest-unusable", f"`{path}` has a requirement, where only a source can stand.", path)
        yield from _check_entry(stated, path, with_base=False)


def _check_workspace(package: Package, workspace: Table) -> Iterator[Problem]:
    if package.workspace is not None:
        message = "There are both `[workspace]` and `package.workspace`, of which cargo takes one."
        yield fault("manifest-unusable", message, "workspace")
    if "resolver" in workspace:
        yield from _check_resolver(workspace["resolver"], twice=package.resolver is not None)
    shared, dependencies = workspace.get("package"), workspace.get("dependencies")
    if isinstance(shared, dict):
        yield from _check_versions(shared)
    if isinstance(dependencies, dict):
        yield from _check_names(dependencies, "workspace.dependencies")
        for name, stated in dependencies.items():
            path = join_path("workspace.dependencies", name)
            yield from _check_named(stated, path)
            for key in ("optional", "public"):
                if isinstance(stated, dict) and stated.get(key) is True:
                    message = f"`{path}` is {key}, which a workspace's dependency cannot be."
                    yield fault("manifest-unusable", message, path)


def _check_versions(shared: Table) -> Iterator[Problem]:
    # Blanks around it are taken away of a Rust version, and of no version but `package.version`.
    for key, parse in (("version", parse_version), ("rust-version", lambda text: parse_rust_version(trimmed(text)))):
        text = shared.get(key)
        try:
            if isinstance(text, str):
                parse(text)
        except InvalidInput as error:
            path = f"workspace.package.{key}"
            yield fault("manifest-unusable", f"`{path}`: {error}.", path)


def _check_resolver(resolver: object, *, twice: bool) -> Iterator[Problem]:
    path = "workspace.resolver"
    if twice:
        message = "There are both `workspace.resolver` and `package.resolver`, of which cargo takes one."
        yield fault("manifest-unusable", message, path)
    elif isinstance(resolver, str) and resolver not in RESOLVERS:
        yield fault("manifest-unusable", f"The resolver is {quote(resolver)}; cargo knows '1', '2' and '3'.", path)


def _check_named(stated: object, path: str) -> Iterator[Problem]:
    """Report names inside a dependency that cargo cannot read, which it looks at with the types."""
    if not isinstance(stated, dict):
        return
    for key in ("package", "registry", "base"):
        name = stated.get(key)
        if isinstance(name, str) and (not is_package_name(name) or ("::" in name and key != "package")):
            yield fault("manifest-unusable", f"`{path}.{key}` is {quote(name)}, which is no name.", f"{path}.{key}")


def _check_names(packages: Table, path: str) -> Iterator[Problem]:
    for name in packages:
        if not is_package_name(name):
            message = f"`{path}` has an entry for {quote(name)}, which is not a package's name."
            yield fault("manifest-unusable", message, path)


def _check_entry(stated: object, path: str, *, with_base: bool = True) -> Iterator[Problem]:
    """Report what cargo refuses of a dependency wherever it stands (`dep_to_dependency`).

    Of a `base` it looks in `[replace]` at nothing but its name.
    """
    try:
        detail = Detail(version=stated) if isinstance(stated, str) else convert(stated, Detail)
    except ValidationError:
        return
    if detail.version is None and detail.path is None and detail.git is None:
        yield fault("manifest-unusable", f"`{path}` has no `version`, `path` or `git`.", path)
    if detail.version is not None:
        try:
            parse_requirement(detail.version)
        except InvalidInput as error:
            yield fault("manifest-unusable", f"`{path}`: {error}.", path)
    if detail.registry_index is not None and not is_url(detail.registry_index):
        message = f"`{path}.registry-index` is {quote(detail.registry_index)}, which is no URL."
        yield fault("manifest-unusable", message, path)
    yield from _check_named(stated, path)
    yield from check_detail(detail if with_base else replace(detail, base=None), path)
