"""What all tests share."""

import signal
from pathlib import Path

import pytest
from hypothesis import settings

from tests import corpus

# Where tests run in the background, a shell has them ignore Ctrl-C, and so would every program that they try.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine that does other work at the same time makes single examples slow; that is no fault.
settings.register_profile("default", deadline=None)
settings.load_profile("default")


@pytest.fixture(scope="session")
def corpus_home() -> Path:
    """The cargo home that holds the corpus, fetched once and kept from run to run."""
    return corpus.fetch()
