"""Bodies of publish requests, for schemathesis: JSON Schema cannot say what they are."""

import schemathesis
from hypothesis import strategies as st

from tests.crates import crate
from tests.server.client import body_of

VERSIONS = st.builds("{}.{}.{}".format, st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
BODIES = st.builds(lambda version: body_of(crate("made", version)), VERSIONS)

schemathesis.openapi.media_type("application/octet-stream", BODIES)
