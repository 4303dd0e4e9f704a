"""Web servers and rsync beside changes: a short sample, one step after the other, of what `polling` does for long."""

from pathlib import Path

from tests.hosting.polling import NAMES, PATHS, Asked, Client, Registry, copied, servers, wrong
from tests.servers import open_folder


def test_every_change_is_seen_at_once_by_who_asks_with_what_it_was_given_before(tmp_path: Path) -> None:
    with open_folder() as folder:
        registry = Registry(folder)
        with servers(registry.world.tree) as urls:
            clients = [Client(name, url, registry) for name, url in urls.items()]
            for kind in ("add", "yank", "remove", "remove", "yank"):
                for client in clients:
                    client.download(client.ask(PATHS[0]))
                registry.change(kind, NAMES[0])
                assert copied(registry, folder / "copy") == []
            for client in clients:
                client.download(client.ask(PATHS[0]))
                client.ask(PATHS[0])
                assert client.missing == []
                assert client.answers[304] == 1, client.server
                assert [wrong(registry, asked) for asked in client.asked] == [None] * len(client.asked)


def test_what_is_torn_or_stale_is_told(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    before = registry.world.read(PATHS[0])
    registry.change("add", NAMES[0])
    assert wrong(registry, Asked("nginx", PATHS[0], 2, before)) == f"nginx: {PATHS[0]} stale"
    assert wrong(registry, Asked("nginx", PATHS[0], 1, before)) is None
    assert wrong(registry, Asked("nginx", PATHS[0], 1, before[:-3])) == f"nginx: {PATHS[0]} torn"
