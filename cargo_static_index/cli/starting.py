"""The command that begins a registry: init."""

import os
from pathlib import Path

from cargo_static_index.cli.command import command
from cargo_static_index.cli.running import GOOD, Run
from cargo_static_index.errors import SettingsError, StoreError
from cargo_static_index.settings import find_settings_file, parse_settings

EXAMPLES = {"init": ("init --name acme --base-url https://crates.example.com/",)}


@command(["registry.name", "registry.base-url"])
def init_command(run: Run) -> int:
    """Write a commented registry.toml, and make the drop directory.

    Both go to the working directory; a registry.toml that is there already is not touched.
    """
    from cargo_static_index.catalogue.place import make_state_folder
    from cargo_static_index.settings.documents import place_schema, registry_toml

    here = Path.cwd()
    file = here / "registry.toml"
    settings = parse_settings(run.options, {}, here, None, "").settings
    around = find_settings_file(here.parent)
    try:
        content = registry_toml(settings.registry.name, settings.registry.base_url)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(content)
        (here / "drop").mkdir(exist_ok=True)
        make_state_folder(here / ".cargo-static-index")
        place_schema(here / ".cargo-static-index")
    except FileExistsError as error:
        raise SettingsError(f"{error.filename} is there already: edit it, or begin in another folder") from error
    except OSError as error:
        raise StoreError(f"{error.filename or file} cannot be written: {error.strerror}") from error
    if around:
        run.terminal.say(f"note: {around} is for folders around this one; from here on, the new file counts")
    run.terminal.did("Wrote", "registry.toml")
    run.terminal.did("Made", f"drop{os.sep}")
    run.terminal.say("Copy .crate files into drop/, then run `cargo-static-index build`.")
    return GOOD
