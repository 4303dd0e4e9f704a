"""Every exit code, and every way in which a person, a pipe or a machine ends a command."""

import fcntl
import json
import os
import random
import resource
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest

from cargo_static_index.cli.run import read_clock
from cargo_static_index.diagnostics.errors import SettingsError
from tests.cli.program import PROGRAM, SPOKEN, being_changed, environment, run, run_on_terminal
from tests.crates import crate
from tests.documents import hold_output
from tests.tools import as_nobody

UNUSABLE = [
    ([], "Usage: cargo-static-index [OPTIONS] COMMAND [ARGS]..."),
    (["biuld"], "error: no such command 'biuld'. Did you mean 'build', 'rebuild'?"),
    (["build", "--nope"], "error: no such option: --nope"),
    (["--nope"], "error: no such option: --nope"),
    (["yank"], "error: missing argument 'NAME@VERSION...'"),
    (["build", "--color", "red"], "error: invalid value for '--color': 'red' is not one of 'auto', 'always', 'never'"),
    (["build", "--rule", "vcs=allow"], "error: --rule: vcs: there is no rule `vcs`; `explain` lists all"),
    (["list", "-C", "nowhere"], "error: -C: cannot go to 'nowhere': No such file or directory"),
    (["list", "--config", "none.toml"], "error: --config: there is no file "),
    (["build"], "is not there; make it, or name another with --drop; no registry.toml was found here or above"),
    (["build", "--base-url", "crates.example.com"], "'crates.example.com'"),
    (["build", "-j", "many"], "'many' must be a whole number, 1 or more"),
    (["check", "none.crate"], "error: there is no file 'none.crate'"),
    (["add", "."], "error: '.' is a folder; name files, or publish a whole folder with `build --drop .`"),
    (["check", "."], "error: '.' holds no .crate file"),
    (["add", "registry.toml.none", "--json", "--output-format", "sarif"], "error: --json is short for"),
    (["yank", "foo"], "which version of 'foo'? Write `foo@1.0.0`"),
    (["yank", "foo@1.0.0", "--version", "1.0.0"], "--version goes with one name without a version"),
    (["remove", "foo@1.0.0", "--all"], "--all means every version: write `foo --all`, or `foo@1.0.0` without --all"),
    (["yank", "foo 1.0.0"], "'foo 1.0.0' names no crate: the crate name 'foo 1.0.0' has ' ' as character 4"),
    (["info", "../foo"], "'../foo' names no crate"),
    (["build", "--drop", ".", "--tree", ".cargo-static-index/tree"], "put it outside the state directory"),
]


@pytest.mark.parametrize(("arguments", "sentence"), UNUSABLE)
def test_a_command_that_cannot_be_used_ends_with_2_and_says_why(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    ended = run(*arguments, cwd=tmp_path)
    ended.failed(2, sentence)
    assert ended.out == ""


def test_a_name_that_is_nearly_held_is_suggested(built: Path) -> None:
    run("info", "qqqq", cwd=built).failed(2, "there is no crate 'qqqq' in this registry; `list` shows what is held")
    run("info", "fo", cwd=built).failed(2, "there is no crate 'fo' in this registry; did you mean 'foo'?")
    run("yank", "Foo@1.0.0", cwd=built).failed(2, "there is no crate 'Foo' in this registry; did you mean 'foo'?")
    run("yank", "foo@9.9.9", cwd=built).failed(
        2, "there is no release foo 9.9.9 in this registry; the newest held: 1.0.0"
    )


def test_settings_that_cannot_be_used_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "registry.toml").write_text('[drop]\npaht = "x"\n[tree]\nfile-mode = "9"\n')
    run("build", cwd=tmp_path).failed(2, "2 settings cannot be used:", "did you mean `path`?", "file-mode")


@pytest.mark.parametrize("version", ["1.0", "01.2.3", ""])
def test_a_version_that_is_none_is_told_with_all_else_that_is_wrong(tmp_path: Path, version: str) -> None:
    crate("foo", version).dependency("bar", "banana").write(tmp_path, "foo.crate")
    out = run("check", "foo.crate", cwd=tmp_path).out
    assert "error[version-invalid]" in out
    assert "error[requirement-invalid]" in out


def test_a_crate_whose_name_collides_is_refused_with_both_names(built: Path) -> None:
    crate("Foo", "2.0.0").write(built / "drop")
    out = run("build", cwd=built).out
    assert "error[name-collision]: The registry holds `foo`, and `Foo` differs from it only in case" in out


@pytest.mark.parametrize("text", ["soon", "-1", "1e9", "99999999999999", "١"])
def test_a_clock_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="must be whole seconds since 1970"):
        read_clock({"SOURCE_DATE_EPOCH": text})


def test_the_clock_is_the_variable_or_the_time() -> None:
    assert read_clock({"SOURCE_DATE_EPOCH": "1700000000"}) == 1_700_000_000
    assert abs(read_clock({"SOURCE_DATE_EPOCH": ""}) - time.time()) < 5


# 3: disk, store, another process


def test_a_tree_that_another_process_changes_is_waited_for_as_long_as_is_said(built: Path) -> None:
    with being_changed(built / "public"):
        run("build", "--lock-timeout", "0", cwd=built).failed(
            3, "another process is changing this tree. Wait until it ends"
        )
        run("check", "drop/foo-1.0.0.crate", cwd=built).ok()
        run("build", "-n", cwd=built).ok()
        run("list", cwd=built).ok()
        build = subprocess.Popen([*PROGRAM, "build"], cwd=built, env=environment(), stderr=subprocess.PIPE, text=True)
        assert build.stderr is not None
        waits = "public: another process is changing this tree; waiting for it\n"
        assert next(line for line in build.stderr if "another" in line).endswith(waits)
    with build:
        assert build.wait() == 0


def test_a_tree_that_may_not_be_written_ends_with_3(built: Path) -> None:
    crate("new", "1.0.0").write(built / "drop")
    (built / "public").chmod(0o555)
    done = as_nobody([*PROGRAM, "build"], cwd=built, env=environment())
    (built / "public").chmod(0o755)
    assert done.returncode == 3, done
    assert done.stderr.startswith("error: ")
    assert "Permission denied" in done.stderr
    assert SPOKEN not in done.stderr


def test_a_disk_that_takes_no_more_ends_with_3_and_the_next_build_finishes(fresh: Path) -> None:
    crate("large", "1.0.0").file("data", random.Random(1).randbytes(1_500_000)).write(fresh / "drop")

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    done = subprocess.run(
        [*PROGRAM, "build"], cwd=fresh, env=environment(), capture_output=True, text=True, check=False,
        preexec_fn=small_disk,
    )  # fmt: skip
    assert done.returncode == 3, done
    assert "File too large. A limit on the size of files is set (`ulimit -f`): raise it" in done.stderr
    assert "Refused" not in done.stdout
    assert SPOKEN not in done.stderr
    run("build", cwd=fresh).ok()
    assert "large@1.0.0\n" in run("list", cwd=fresh).ok()


def list_to(stdout: IO[str] | int, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, "list"],
        cwd=folder,
        env=environment(),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def test_results_that_cannot_be_written_end_with_3(built: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = list_to(full, built)
    assert done.returncode == 3
    full_disk = "No space left on device. Mend that, then run this again.\n"
    assert done.stderr == f"error: what is printed cannot be written: {full_disk}"


@pytest.mark.parametrize(
    ("command", "code"),
    [("build --base-url nonsense", 2), ("build --state /proc/nothing", 3), ("nonsense", 2), ("list", 0)],
)
def test_the_exit_code_is_the_same_where_errors_cannot_be_written(built: Path, command: str, code: int) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, *command.split()],
            cwd=built,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=full,
            check=False,
        )
    assert done.returncode == code


def test_a_reader_that_goes_away_is_no_error_to_speak_of(built: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = list_to(writing, built)
    os.close(writing)
    assert done.stderr == ""


# 101: bugs


def test_a_bug_is_one_sentence_and_a_file_that_only_the_user_reads(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from cargo_static_index.cli import run\n"
        "def body(run): raise KeyError('a secret value \\x1b[2J')\n"
        "sys.exit(run.perform(body, run.Common(), {}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment({"TMPDIR": str(tmp_path)}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 101
    (log,) = tmp_path.glob("cargo-static-index-*.log")
    assert done.stderr == (
        f"error: this is a bug of cargo-static-index (KeyError); the details are in {log}. "
        "Please report it, and look through the file before you share it.\n"
    )
    assert "a secret value" in log.read_text()
    assert "\x1b" not in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("raised", "code"), [("KeyError", 101), ("KeyboardInterrupt", 130)])
def test_documents_that_came_before_a_bug_or_an_interruption_are_whole_and_alone(
    tmp_path: Path, raised: str, code: int
) -> None:
    script = (
        "import sys\n"
        "from cargo_static_index.cli import documents, formats, run\n"
        "def body(run):\n"
        "    for vers in ('1.0.0', '1.1.0'):\n"
        "        formats.print_json(documents.ReleaseDocument(\n"
        "            name='foo', version=vers, checksum='0', yanked=False, pubtime=None\n"
        "        ))\n"
        f"    raise {raised}\n"
        "sys.exit(run.perform(body, run.Common(), {}))\n"
    )
    env = environment({"TMPDIR": str(tmp_path)})
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert len(done.stdout.splitlines()) == 2
    hold_output(["list", "--json"], done.stdout)


# interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_ends_cleanly_and_the_next_one_finishes(fresh: Path, number: signal.Signals) -> None:
    for number_of_crate in range(200):
        crate(f"c{number_of_crate}", "1.0.0").write(fresh / "drop")
    process = subprocess.Popen(
        [*PROGRAM, "build", "-j", "2"], cwd=fresh, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    while not any((fresh / "public").glob("index/2/c*")):  # some are published, and most pages are not made yet
        time.sleep(0.005)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does: workers get it too
    else:
        process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert err.endswith("error: interrupted; nothing is left half done, and the next build goes on from here\n")
    run("build", "-q", cwd=fresh).ok()
    assert len(run("list", cwd=fresh).ok().splitlines()) == 202
    run("verify", cwd=fresh).ok()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_statement_of_the_database_that_takes_for_ever(tmp_path: Path, number: signal.Signals) -> None:
    code = f"""
import sys
from pathlib import Path
from cargo_static_index.cli import run
from cargo_static_index.state.database import Database
def body(run):
    database = Database(Path({str(tmp_path / "state")!r}))
    with database.writing():
        database.run("CREATE TABLE t (x)")
        print("begun", flush=True)
        database.run(
            "INSERT INTO t WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT 1 FROM c) SELECT x FROM c WHERE x > 1"
        )
sys.exit(run.perform(body, run.Common(), {{}}))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=5)
    assert process.returncode == 128 + number, err
    with closing(sqlite3.connect(tmp_path / "state")) as database:
        assert database.execute("SELECT * FROM sqlite_master").fetchall() == []


STUCK = """
import sys, time
from cargo_static_index.cli import run
run.GRACE = 0.3
def body(run):
    while True:
        try:
            print("begun", flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            pass
sys.exit(run.perform(body, run.Common(), {}))
"""


@pytest.mark.parametrize("second", [None, signal.SIGTERM, signal.SIGINT])
def test_what_does_not_end_by_itself_is_ended(second: signal.Signals | None) -> None:
    """Some code may swallow what a signal raises; a second signal ends it at once."""
    command = [sys.executable, "-c", STUCK]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.stdout.readline()
        if second is not None:
            process.send_signal(second)
        assert process.wait(timeout=5) == (-second if second is not None else 143)


def ended_by(number: signal.Signals, process: "subprocess.Popen[str]") -> None:
    """Send a signal, and claim that it ends the command."""
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number, said
    assert said.endswith("error: interrupted; nothing is left half done, and the next build goes on from here\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_command_that_waits_for_another_one(built: Path, number: signal.Signals) -> None:
    tree = os.open(built / "public", os.O_RDONLY)
    fcntl.flock(tree, fcntl.LOCK_EX)
    process = subprocess.Popen([*PROGRAM, "rebuild"], cwd=built, env=environment(), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert any("waiting for it" in line for line in process.stderr)
    ended_by(number, process)
    os.close(tree)
    run("build", cwd=built).ok()
    run("verify", cwd=built).ok()


@pytest.mark.parametrize("command", [["doctor", "URL"], ["push", "drop/foo-1.0.0.crate", "--index", "sparse+URL"]])
def test_a_signal_ends_a_command_that_waits_for_a_server(built: Path, command: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/index/"
        process = subprocess.Popen(
            [*PROGRAM, *(each.replace("URL", url) for each in command)], cwd=built, text=True,
            env=environment({"CARGO_HOME": str(built / "home")}), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        connection, _ = silent.accept()
        with connection:
            ended_by(signal.SIGTERM, process)


def test_a_signal_ends_a_command_whose_output_nobody_reads(built: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "help", "build"], cwd=built, env=environment(), stdout=subprocess.PIPE, pipesize=4096
    ) as process:
        assert process.stdout is not None
        select.select([process.stdout], [], [])  # it has begun to write, and can never end
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 143


FINALIZED = """
import os, signal, sys, time
from cargo_static_index.cli import run
run.GRACE = 600
class Last:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
def body(run):
    last = Last()
    del last
    time.sleep(600)
sys.exit(run.perform(body, run.Common(), {}))
"""
SWALLOWED = """
import os, signal, sys
from cargo_static_index.cli import run
def body(run):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except KeyboardInterrupt:
        pass
    return 0
sys.exit(run.perform(body, run.Common(), {}))
"""


@pytest.mark.parametrize("code", [FINALIZED, SWALLOWED], ids=["in a finalizer", "swallowed"])
def test_an_interrupt_that_is_lost_on_its_way_ends_the_command_all_the_same(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 143
    assert done.stderr == "error: interrupted; nothing is left half done, and the next build goes on from here\n"


# on a terminal


BODY = """
from cargo_static_index.cli.run import Common, perform

def body(run):
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        if {raised}:
            raise

raise SystemExit(perform(body, Common(), {{}}))
"""


@pytest.mark.parametrize(("raised", "code"), [(True, 130), (False, 0)])
def test_an_interrupt_that_comes_while_a_text_is_executed_ends_with_our_own_exit_code(
    tmp_path: Path, raised: bool, code: int
) -> None:
    (tmp_path / "interrupted.py").write_text(BODY.format(raised=raised))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())])}
    assert subprocess.run([sys.executable, "-m", "interrupted"], env=environment, check=False).returncode == code


def test_on_a_terminal_remove_asks_and_shows_what_goes(built: Path) -> None:
    code, screen = run_on_terminal("remove", "foo", "--all", cwd=built, answer="n")
    assert code == 2
    assert "These releases go for good:\r\n  foo@1.0.0\r\n" in screen
    assert "nothing was removed" in screen
    for answer in ("\x03", "\x04"):  # Ctrl-C, and the end of input
        code, screen = run_on_terminal("remove", "foo@1.0.0", cwd=built, answer=answer)
        assert code == 130
        assert "error: interrupted" in screen.replace("\x1b[1;31m", "").replace("\x1b[0m", "")
    code, _ = run_on_terminal("remove", "foo@1.0.0", cwd=built, answer="y")
    assert code == 0
    assert run("list", cwd=built).ok() == "bar@0.1.0\n"


def test_status_needs_no_right_to_write(built: Path) -> None:
    (built / "drop/empty.crate").write_bytes(b"")
    os.utime(built / "drop/empty.crate", (0, 0))
    run("build", cwd=built).failed(1)
    seen = run("status", cwd=built).ok()
    state = built / ".cargo-static-index"
    (state / "catalogue.sqlite").chmod(0o444)
    state.chmod(0o555)
    (built / "public").chmod(0o555)
    done = as_nobody([*PROGRAM, "status"], cwd=built, env=environment())
    failed = as_nobody([*PROGRAM, "rebuild"], cwd=built, env=environment())
    (built / "public").chmod(0o755)
    state.chmod(0o755)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[2:] == seen.splitlines()[2:]
    assert "error[file-empty]" in done.stdout
    assert failed.returncode == 3
    assert "Give the user that runs this the right to read and write there." in failed.stderr


@pytest.mark.parametrize("closed", ["catalogue.sqlite", "."])
def test_a_state_that_may_not_be_read_counts_as_none(built: Path, closed: str) -> None:
    path = built / ".cargo-static-index" / closed
    path.chmod(0)
    commands = (["status"], ["build", "-n"], ["verify", "--fix", "-n"], ["check", "drop/foo-1.0.0.crate"])
    done = [as_nobody([*PROGRAM, *command], cwd=built, env=environment()) for command in commands]
    told = as_nobody([*PROGRAM, "status", "--json"], cwd=built, env=environment())
    path.chmod(0o755)
    assert [each.returncode for each in done] == [0] * 4
    assert [each.stderr for each in done[1:]] == [""] * 3
    hold_output(["status", "--json"], told.stdout)
    assert json.loads(told.stdout)["state_readable"] is False
    assert "last build: not known" in done[0].stdout
    assert "may not be read, so what was refused before is not known" in done[0].stderr


def test_a_dry_run_needs_no_right_to_write(built: Path) -> None:
    crate("new", "1.0.0").write(built / "drop")
    planned = run("build", "-n", cwd=built).ok()
    folders = [
        path for name in ("public", ".cargo-static-index") for path in (built / name, *(built / name).rglob("*"))
    ]
    modes = {path: path.stat().st_mode for path in folders}
    for path in reversed(folders):
        path.chmod(modes[path] & ~0o222)
    done = as_nobody([*PROGRAM, "build", "-n"], cwd=built, env=environment())
    fixing = as_nobody([*PROGRAM, "verify", "--fix", "-n"], cwd=built, env=environment())
    for path in folders:
        path.chmod(modes[path])
    assert fixing.returncode == 0, fixing.stderr
    assert (done.returncode, done.stderr, done.stdout) == (0, "", planned)
    assert "Would publish new 1.0.0" in planned


# streams, folders and names as they should not be


@pytest.mark.parametrize("closed", [[1], [2], [0], [0, 1, 2]])
@pytest.mark.parametrize(("arguments", "code"), [(["list"], 0), (["build"], 0), (["nope"], 2)])
def test_streams_that_are_closed_lead_nowhere(built: Path, closed: list[int], arguments: list[str], code: int) -> None:
    crate("new", "1.0.0").write(built / "drop")
    closing = " ".join(f"{number}>&-" if number else "0<&-" for number in closed)
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closing}', "sh", *PROGRAM, *arguments],
        cwd=built,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done
    assert SPOKEN not in done.stderr
    assert (done.stdout == "") is (1 in closed or code == 2)
    run("verify", cwd=built).ok()


def test_a_working_directory_that_was_deleted(built: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    gone = tmp_path_factory.mktemp("gone")
    line = f'cd "$1" && rmdir "$1" && "{sys.executable}" -m cargo_static_index list "${{@:2}}"'
    for more, code in (([], 2), (["-C", str(built)], 0)):
        gone.mkdir(exist_ok=True)
        done = subprocess.run(
            ["bash", "-c", line, "bash", gone, *more], env=environment({"PYTHONPATH": str(Path(__file__).parents[2])}),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done
        said = "error: the working directory was deleted; go to another one, or name it with -C\n"
        assert done.stderr == ("" if code == 0 else said)


@pytest.mark.parametrize("command", [["check"], ["check", "--json"], ["add", "--output-format", "sarif"], ["entry"]])
def test_a_name_that_is_not_utf_8_is_shown_escaped(built: Path, command: list[str]) -> None:
    odd = os.fsdecode(b"odd\xff.crate")
    crate("new", "1.0.0").write(built).rename(built / odd)
    ended = run(*command, odd, cwd=built)
    assert ended.code == 0, ended
    assert "odd\\" in ended.out + ended.err


def unread(*arguments: str, cwd: Path) -> int:
    """Run the program with nobody at the other end of its output, and give its exit code."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            [*PROGRAM, *arguments], cwd=cwd, env=environment(), stdout=writer, stderr=writer, check=False, timeout=60
        ).returncode
    finally:
        os.close(writer)


@pytest.mark.parametrize("arguments", [["build", "-v"], ["build", "--json"], ["add", "-v", "drop/new-1.0.0.crate"]])
def test_whoever_publishes_goes_on_where_nobody_reads_what_is_said(fresh: Path, arguments: list[str]) -> None:
    for number in range(300):
        crate("new", f"1.{number}.0").write(fresh / "drop")
    assert unread(*arguments, cwd=fresh) == 0
    assert run("list", "new", cwd=fresh).ok().count("new@") == (1 if arguments[0] == "add" else 300)
    run("verify", cwd=fresh).ok()


def test_whoever_only_shows_ends_where_nobody_reads_it(built: Path) -> None:
    assert unread("list", cwd=built) == 1


# The end of the process

LATE = """
import atexit, threading
atexit.register(print, "registered later")
def work():
    threading.main_thread().join()
    print("the thread's end")
threading.Thread(target=work).start()
RULES = ()
def check(release):
    return ()
"""
"""Rules of one's own that leave something to do when the process ends."""

MAIN = "from cargo_static_index.__main__ import main; main()"
REGISTERED = "import atexit; atexit.register(print, 'registered before')\n"
KEPT = """
class Kept:
    def __del__(self):
        print("taken apart")
kept = Kept()
"""


def test_a_process_ends_after_all_threads_and_all_that_was_registered(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(LATE)
    crate("foo", "1.0.0").write(tmp_path)
    command = ["check", "--own-rules", "late.py", "foo-1.0.0.crate"]
    assert _printed(MAIN, *command, cwd=tmp_path)[-2:] == ["the thread's end", "registered later"]


def test_a_process_takes_its_modules_apart_only_where_something_was_registered_before_it_began(tmp_path: Path) -> None:
    version, *more = _printed(KEPT + MAIN, "-V", cwd=tmp_path)
    assert more == []
    assert _printed(REGISTERED + KEPT + MAIN, "-V", cwd=tmp_path) == [version, "registered before", "taken apart"]


def _printed(program: str, *arguments: str, cwd: Path) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=cwd,
        env=environment({"PYTHONPATH": str(Path(__file__).parents[2])}),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
