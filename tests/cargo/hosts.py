"""Machines that work on one registry in a bucket."""

from collections.abc import Mapping
from pathlib import Path

from cargo_static_index.store.bucket import Bucket
from tests.buckets import Buckets
from tests.cli.program import Ended, run
from tests.crates import CrateBuilder


class Host:
    """A machine that works on a registry in a bucket, with a drop directory and a state of its own."""

    def __init__(self, folder: Path, buckets: Buckets, bucket: Bucket) -> None:
        self.folder = folder
        self.bucket = bucket
        self.url = buckets.url(bucket)
        self.environment: Mapping[str, str] = buckets.environment
        (folder / "drop").mkdir(parents=True)
        (folder / "registry.toml").write_text(
            f'[registry]\nname = "acme"\nbase-url = "{self.url}"\n[tree]\npath = "{bucket}"\n'
        )

    def run(self, *arguments: str | Path) -> Ended:
        return run(*arguments, cwd=self.folder, env=self.environment)

    def drop(self, *crates: CrateBuilder) -> list[Path]:
        return [each.write(self.folder / "drop") for each in crates]
