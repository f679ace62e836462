"""`Hub` through the real huggingface_hub, against a hub on the loopback interface.

Every call runs in a process of its own, since huggingface_hub reads its environment when it is imported.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.checkpoints.hub_server import FakeHub
from tests.conftest import Oracle

BASE, QUERY = "allenai/specter2_base", "allenai/specter2_adhoc_query"
SECRET = "hf_aVerySecretToken"
Call = Callable[..., Any]

PREAMBLE = """
import json, logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
from specter2_plugins.errors import CheckpointError
from specter2_plugins.checkpoints.hub import Hub

def attempt(call):
    try:
        return str(call())
    except CheckpointError as error:
        assert error.__cause__ is None and error.__suppress_context__
        return f"CheckpointError: {error}"
"""


@pytest.fixture
def hub(oracle: Oracle) -> Iterator[FakeHub]:
    """A hub with SPECTER2's base and adapters, which are the oracle's."""
    with FakeHub() as server:
        server.add(BASE, oracle.base)
        for repo, task in (("allenai/specter2", "proximity"), (QUERY, "adhoc_query")):
            server.add(repo, oracle.models / "adapters" / task)
        for task in ("classification", "regression"):
            server.add(f"allenai/specter2_{task}", oracle.models / "adapters" / task)
        yield server


@pytest.fixture
def call(hub: FakeHub, tmp_path: Path) -> Call:
    """Run statements with `Hub` in a fresh process; what it prints as JSON in its last line."""

    def run(code: str, **environment: str) -> Any:
        settings = {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path / "home"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "SENTENCE_"))}
        done = subprocess.run(
            [sys.executable, "-c", PREAMBLE + code],
            env=inherited | settings | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert SECRET not in done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


def test_what_is_fetched_and_kept(hub: FakeHub, call: Call, tmp_path: Path, oracle: Oracle) -> None:
    elsewhere = tmp_path / "elsewhere"
    online, cached, again = call(f"""
first = Hub(cache_folder={str(elsewhere)!r})
online = [str(first.base_folder({BASE!r})), str(first.adapter_folder({QUERY!r}))]
offline = Hub(cache_folder={str(elsewhere)!r}, local_files_only=True)
cached = [str(offline.base_folder({BASE!r})), str(offline.adapter_folder({QUERY!r}))]
print(json.dumps([online, cached, attempt(lambda: Hub(local_files_only=True).base_folder({BASE!r}))]))
""")
    assert cached == online
    assert again == (
        f"CheckpointError: cannot load {BASE!r}: it is not in the local cache ({tmp_path / 'home' / 'hub'}) "
        "and local_files_only is set"
    )
    base, adapter = map(Path, online)
    assert base.is_relative_to(elsewhere)
    assert (base / "model.safetensors").read_bytes() == (oracle.base / "model.safetensors").read_bytes()
    assert {path.name for path in adapter.iterdir()} == {"adapter_config.json", "pytorch_adapter.bin"}
    assert {request.authorization for request in hub.requests} == {None}


def test_the_cache_of_sentence_transformers_is_respected(call: Call, tmp_path: Path) -> None:
    folder = call(
        f"print(json.dumps(str(Hub().adapter_folder({QUERY!r}))))", SENTENCE_TRANSFORMERS_HOME=str(tmp_path / "st")
    )
    assert Path(folder).is_relative_to(tmp_path / "st")


def test_revisions_are_pinned_per_repository(hub: FakeHub, call: Call, oracle: Oracle) -> None:
    old_base = hub.add(BASE, oracle.adapters.parent / "models", ref="v1")  # any other content
    old_query = hub.add(QUERY, oracle.adapters / "par_bn", ref="v1")
    main = hub.repositories[QUERY].refs["main"]
    folders = call(f"""
one = Hub(revision="v1").pinned({BASE!r})
each = Hub(revision={{{QUERY!r}: {old_query!r}}}).pinned({BASE!r})
print(json.dumps([str(folder) for folder in (
    one._snapshot({BASE!r}, "v1", ["*"]), one.adapter_folder({QUERY!r}), each.adapter_folder({QUERY!r}),
)]))
""")
    assert [Path(folder).name for folder in folders] == [old_base, main, old_query]


def test_the_token_arrives_and_is_never_shown(hub: FakeHub, call: Call, tmp_path: Path) -> None:
    hub.repositories[QUERY].token = SECRET
    empty = str(tmp_path / "empty")
    granted, unwritable, refused, wrong, shown = call(f"""
hub = Hub(token="hf_" + "aVerySecretToken")
print(json.dumps([
    attempt(lambda: hub.adapter_folder({QUERY!r})),
    attempt(lambda: Hub(token="hf_" + "aVerySecretToken", cache_folder="/dev/null/x").adapter_folder({QUERY!r})),
    attempt(lambda: Hub(cache_folder={empty!r}).adapter_folder({QUERY!r})),
    attempt(lambda: Hub(token="hf_wrong", cache_folder={empty!r}).adapter_folder({QUERY!r})),
    repr(hub.pinned("a/b")),
]))
""")
    assert Path(granted).is_dir()
    assert unwritable.startswith(f"CheckpointError: cannot load {QUERY!r}")
    message = (
        f"CheckpointError: cannot load {QUERY!r}: the hub has no such repository, or it is private and needs a token"
    )
    assert [refused, wrong] == [message, message]
    assert "token" not in shown
    sent = {request.authorization for request in hub.requests}
    assert sent == {f"Bearer {SECRET}", "Bearer hf_wrong", None}


def test_what_the_hub_does_not_have(hub: FakeHub, call: Call) -> None:
    hub.repositories[QUERY].gated = True
    answers = call(f"""
print(json.dumps([
    attempt(lambda: Hub().base_folder("allenai/nothing")),
    attempt(lambda: Hub(revision="v9").base_folder({BASE!r})),
    attempt(lambda: Hub().adapter_folder({QUERY!r})),
    attempt(lambda: Hub().base_folder("not a name")),
]))
""")
    assert answers == [
        "CheckpointError: cannot load 'allenai/nothing': the hub has no such repository, or it is private and needs "
        "a token",
        f"CheckpointError: cannot load {BASE!r} at revision 'v9': the repository has no such revision",
        f"CheckpointError: cannot load {QUERY!r}: it is gated; accept its terms on the hub and pass a token",
        "CheckpointError: cannot load 'not a name': it is neither an existing folder nor a valid repository name",
    ]


@pytest.mark.parametrize("how", ["offline", "refused"])
def test_no_hub_and_nothing_cached(how: str, call: Call, tmp_path: Path) -> None:
    environment = {"HF_HUB_OFFLINE": "1"} if how == "offline" else {"HF_ENDPOINT": "http://127.0.0.1:9"}
    answer, seconds = call(
        f"""
import huggingface_hub, time
start = time.monotonic()
answer = attempt(lambda: Hub().base_folder({BASE!r}))
print(json.dumps([answer, time.monotonic() - start]))
""",
        **environment,
    )
    assert answer == (
        f"CheckpointError: cannot load {BASE!r}: the hub cannot be reached and it is not in the local cache "
        f"({tmp_path / 'home' / 'hub'})"
    )
    assert seconds < 60  # huggingface_hub's own waits add up to minutes


@pytest.mark.parametrize("broken", ["503", "cut"])
def test_a_hub_that_breaks_off(broken: str, hub: FakeHub, call: Call) -> None:
    hub.broken = broken
    started = time.monotonic()
    answer = call(f"print(json.dumps(attempt(lambda: Hub().adapter_folder({QUERY!r}))))")
    assert answer.startswith(f"CheckpointError: cannot load {QUERY!r}: ")
    assert "\\n" not in answer
    assert time.monotonic() - started < 240


def test_load_specter2_from_the_hub(hub: FakeHub, call: Call, oracle: Oracle) -> None:
    """The whole way, once: an old name, a token, revisions, then the cache alone."""
    tag = hub.add(QUERY, oracle.adapters / "par_bn", ref="v1")
    vectors, cached, base, warnings = call(f"""
from specter2_plugins import load_specter2
warnings = []
class Keep(logging.Handler):
    def emit(self, record): warnings.append(record.getMessage())
logging.getLogger("specter2_plugins").addHandler(Keep(logging.WARNING))
inputs = json.loads({json.dumps(json.dumps(oracle.queries))})
settings = dict(device="cpu", revision={{{QUERY!r}: "v1"}})
first = load_specter2("allenai/specter2", token="hf_" + "aVerySecretToken", **settings)
second = load_specter2(local_files_only=True, **settings)
results = [model.encode_query(inputs).tolist() for model in (first, second)]
print(json.dumps([*results, first[0].model.config.name_or_path, warnings]))
""")
    expected = oracle.vectors["par_bn"][-len(oracle.queries) :].numpy()
    assert abs(vectors - expected).max() < 1e-5
    assert cached == vectors
    assert base == BASE
    assert len(warnings) == 1
    assert "was the name of the base before August 2023" in warnings[0]
    assert {request.authorization for request in hub.requests} == {f"Bearer {SECRET}"}
    assert any(tag in request.path for request in hub.requests)
