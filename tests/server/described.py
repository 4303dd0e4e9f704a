"""schemathesis against the endpoint: whatever its OpenAPI description allows is asked, and what it says is expected.

`python -m tests.server.described --examples 100` asks more than the test suite does, of an open and a private registry.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cli.program import environment
from tests.crates import crate
from tests.server.serving import Served
from tests.tools import need

HERE = Path(__file__).parent
SETTINGS = HERE / "schemathesis.toml"


def ask(folder: Path, *, examples: int, private: bool) -> tuple[int, str]:
    """Ask an endpoint whose registry holds a crate, and give the exit code and what is said."""
    served = Served(folder, f"auth-required = {str(private).lower()}\n")
    served.tokens["alice"] = served.token()
    with served.running("--publish"):
        served.client("alice").publish(crate("foo")).ok()
        command = [need("schemathesis"), "--config-file", str(SETTINGS), "run", f"{served.url}api/v1/openapi.json"]
        command += ["--header", f"Authorization: {served.tokens['alice']}", "--checks", "all", "--seed", "1"]
        command += ["--max-examples", str(examples), "--no-color"]
        env = environment({"SCHEMATHESIS_HOOKS": "tests.server.uploads", "PYTHONPATH": str(HERE.parents[1])})
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def main() -> int:
    """Ask both, and print what was counted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--examples", type=int, default=100)
    examples = parser.parse_args().examples
    asked, failed = 0, []
    for private in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            code, said = ask(Path(folder), examples=examples, private=private)
        counted = re.search(r"(\d+) generated", said)
        asked += int(counted[1]) if counted else 0
        if code:
            failed.append(said)
    print("\n".join(failed), file=sys.stderr)
    print(json.dumps({"requests": asked, "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
