"""What is found for a folder or name: the base, its family, its adapters; and what is said where they are not there."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specter2_plugins import CheckpointError, TaskError, load_specter2
from specter2_plugins.checkpoints.families import SCINCL, SPECTER2, SPECTER2_REFRESH, families
from specter2_plugins.checkpoints.hub import Hub
from specter2_plugins.checkpoints.identity import identify
from specter2_plugins.checkpoints.plan import adapter_folder, plan
from specter2_plugins.tasks import TASK_FORMATS
from tests.conftest import Oracle

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TASKS = list(TASK_FORMATS)

Build = Callable[..., Path]


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test here may find a cache of this machine, or the network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub's own"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name in ("SENTENCE_TRANSFORMERS_HOME", "TRANSFORMERS_CACHE", "PYTORCH_TRANSFORMERS_CACHE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cache(oracle: Oracle, tmp_path: Path) -> Build:
    """Fill a cache as the hub's library does, with a family's base and some of its adapters."""

    def build(*tasks: str, root: Path = tmp_path / "cache", family: Any = SPECTER2, refs: bool = True) -> Path:
        sources = {family.name: oracle.base} | {family.adapters[t]: oracle.models / "adapters" / t for t in tasks}
        for repo, source in sources.items():
            folder = root / f"models--{repo.replace('/', '--')}"
            shutil.copytree(source, folder / "snapshots" / COMMIT)
            if refs:
                (folder / "refs").mkdir()
                (folder / "refs" / "main").write_text(COMMIT)
        return root

    return build


@pytest.fixture
def base(oracle: Oracle, tmp_path: Path) -> Build:
    """Copy the base somewhere, with other entries in its config."""

    def build(place: str = "some/bert", **config: object) -> Path:
        folder = Path(shutil.copytree(oracle.base, tmp_path / place))
        known = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(known | config))
        return folder

    return build


def adapter(oracle: Oracle, folder: Path, task: str = "proximity") -> Path:
    return Path(shutil.copytree(oracle.models / "adapters" / task, folder))


def warned(caplog: pytest.LogCaptureFixture) -> str:
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert all("\n" not in line for line in said)
    return " | ".join(said)


# --- in a cache ---


@pytest.mark.parametrize(
    "place", ["models--allenai--specter2_base", f"models--allenai--specter2_base/snapshots/{COMMIT}"]
)
def test_a_base_in_a_cache_brings_what_is_cached_with_it(
    place: str, cache: Build, caplog: pytest.LogCaptureFixture
) -> None:
    root = cache(*TASKS)
    found = plan(root / place)
    assert found.base == root / "models--allenai--specter2_base" / "snapshots" / COMMIT
    assert list(found.adapters) == TASKS
    assert all(folder.is_relative_to(root) for folder in found.adapters.values())
    assert not warned(caplog)


@pytest.mark.parametrize("family", [SPECTER2, SPECTER2_REFRESH, SCINCL])
def test_a_base_and_one_adapter_load_and_say_once_what_is_missing(
    family: Any, cache: Build, caplog: pytest.LogCaptureFixture
) -> None:
    root = cache("proximity", family=family)
    for name in (family.name, root / f"models--{family.name.replace('/', '--')}"):
        caplog.clear()
        found = plan(name, hub=Hub(cache_folder=root, local_files_only=True))
        assert list(found.adapters) == ["proximity"]
        assert list(found.missing) == TASKS[1:]
        said = warned(caplog)
        assert said.count("is loaded with proximity alone; adhoc_query, classification, regression are not") == 1
        assert all(f"hf download {repo}" in said for repo in list(family.adapters.values())[1:])
        assert str(root) in said


def test_a_base_alone_in_a_cache_is_refused_with_its_adapters_named(cache: Build) -> None:
    root = cache()
    for name in (SPECTER2.name, root / "models--allenai--specter2_base"):
        with pytest.raises(CheckpointError) as caught:
            plan(name, hub=Hub(cache_folder=root))
        said = str(caught.value)
        assert all(repo in said for repo in SPECTER2.adapters.values())
        assert "--adapter proximity=FOLDER_OR_ID" in said
        assert "adapters={} (--adapter none) loads the base alone" in said
        assert plan(name, {}, Hub(cache_folder=root)).adapters == {}


@pytest.mark.parametrize("name", [SPECTER2.name, "nobody/has-this"])
def test_what_is_not_cached_names_the_model_that_needs_no_hub(name: str, tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"is not in the local cache .*The model 'mini' \(--model mini\) needs no hub"
    ):
        plan(name, hub=Hub(cache_folder=tmp_path, local_files_only=True))


def test_a_cache_without_refs(cache: Build, caplog: pytest.LogCaptureFixture) -> None:
    root = cache(*TASKS, refs=False)
    assert list(plan(SPECTER2.name, hub=Hub(cache_folder=root)).adapters) == TASKS
    assert not warned(caplog)
    later = root / "models--allenai--specter2" / "snapshots" / ("f" * 40)
    shutil.copytree(root / "models--allenai--specter2" / "snapshots" / COMMIT, later)
    (later / "adapter_config.json").touch()
    found = plan(SPECTER2.name, hub=Hub(cache_folder=root))
    assert found.adapters["proximity"].parent.name == "snapshots"
    assert "the cache does not say which of 2 commits of 'allenai/specter2'" in warned(caplog)


@pytest.mark.parametrize("variable", ["SENTENCE_TRANSFORMERS_HOME", "TRANSFORMERS_CACHE", "the hub's own"])
@pytest.mark.parametrize("within", ["", "hub"])
def test_every_cache_is_looked_into(
    variable: str, within: str, cache: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path / "empty"))
    cache(*TASKS, root=tmp_path / "full" / within)
    if variable.isupper():
        monkeypatch.setenv(variable, str(tmp_path / "full"))
    else:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "full"))
    found = plan(SPECTER2.name)
    assert found.base.is_relative_to(tmp_path / "full")
    assert list(found.adapters) == TASKS


def test_a_message_names_every_cache_that_was_looked_into(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path / "st"))
    monkeypatch.setenv("TRANSFORMERS_CACHE", str(tmp_path / "old"))
    with pytest.raises(CheckpointError, match="not in the local cache") as caught:
        plan(SPECTER2.name)
    assert all(str(tmp_path / name) in str(caught.value) for name in ("st", "old", "hub's own"))


@pytest.mark.parametrize("left", [["config.json"], ["config.json", "tokenizer.json", "vocab.txt"], []])
def test_a_base_that_is_cached_in_part(left: list[str], cache: Build) -> None:
    root = cache("proximity")
    for path in (root / "models--allenai--specter2_base" / "snapshots" / COMMIT).iterdir():
        if path.name not in left:
            path.unlink()
    with pytest.raises(CheckpointError, match=r"only in part in the local cache|holds no weights|holds no model"):
        load_specter2(SPECTER2.name, cache_folder=root)


def test_the_cache_itself_is_no_model(cache: Build) -> None:
    root = cache("proximity")
    with pytest.raises(
        CheckpointError, match=r"is a cache of the hub, not a model in it: load_specter2\('allenai/spec"
    ):
        plan(root)
    with pytest.raises(CheckpointError, match="holds an adapter, not a base model"):
        plan(root / "models--allenai--specter2")
    shutil.rmtree(root / "models--allenai--specter2_base" / "snapshots")
    with pytest.raises(CheckpointError, match="in a cache of the hub, holds no model: download it again"):
        plan(root / "models--allenai--specter2_base")


# --- in folders ---


@pytest.mark.parametrize(
    ("of_base", "of_adapter"),
    [
        ("allenai__specter2_base", "allenai__specter2"),
        ("specter2_base", "specter2"),
        ("allenai/specter2_base", "allenai/specter2"),
        ("allenai--specter2_base", "allenai--specter2"),
        ("allenai_specter2_base", "allenai_specter2"),
        ("SPECTER2_base", "Specter2"),
        ("malteos__scincl", "allenai__scirepeval_adapters_prx"),
        ("base", "adapters/proximity"),
        ("base", "adapters/[PRX]"),
        ("base", "adapters/allenai__specter2"),
        ("specter2_base", "specter2_base/adapters/prx"),
        ("anything", "anything/adapters/proximity"),
    ],
)
def test_adapters_beside_a_base_or_in_it(of_base: str, of_adapter: str, base: Build, oracle: Oracle) -> None:
    folder = base(f"models/{of_base}")
    beside = adapter(oracle, folder.parents[of_base.count("/")] / of_adapter)
    found = plan(folder)
    assert found.adapters == {"proximity": beside}


def test_two_adapters_of_one_task_beside_a_base(base: Build, oracle: Oracle) -> None:
    folder = base("models/base")
    for name in ("[PRX]", "proximity"):
        adapter(oracle, folder.parent / "adapters" / name)
    with pytest.raises(CheckpointError, match=r"two adapters are named for the task 'proximity'.*take one away"):
        plan(folder)


def test_a_bare_folder_of_unknown_weights_says_so_once(base: Build, caplog: pytest.LogCaptureFixture) -> None:
    folder = base()
    assert plan(folder).adapters == {}
    assert warned(caplog).count("is loaded without adapters") == 1
    caplog.clear()
    assert plan(folder, {}).adapters == {}
    assert not warned(caplog)


NAMES = ["allenai/specter2_base", "/home/me/models/specter2_base", "C:\\models\\allenai__specter2_base"]


@pytest.mark.parametrize("name", NAMES)
def test_a_base_that_was_saved_from_transformers(
    name: str, base: Build, cache: Build, caplog: pytest.LogCaptureFixture
) -> None:
    folder = base(_name_or_path=name)
    with pytest.raises(CheckpointError, match=r"is the base of 'allenai/specter2_base' by its config's _name_or_path"):
        plan(folder)
    assert plan(folder, {}).adapters == {}
    found = plan(folder, hub=Hub(cache_folder=cache("proximity", "adhoc_query")))
    assert list(found.adapters) == ["proximity", "adhoc_query"]
    assert "is taken for 'allenai/specter2_base' by its config's _name_or_path" in warned(caplog)


def test_a_base_of_the_kind_of_several_families(base: Build, cache: Build) -> None:
    folder = base(vocab_size=31090, num_hidden_layers=12, adapters={"config_map": {}})
    with pytest.raises(CheckpointError) as caught:
        plan(folder, hub=Hub(cache_folder=cache(*TASKS)))
    assert "adapters='allenai/specter2_base' or 'allenai/specter2_aug2023refresh_base'" in str(caught.value)
    found = plan(folder, "allenai/specter2_base", Hub(cache_folder=cache(*TASKS, root=folder.parent / "again")))
    assert list(found.adapters) == TASKS


@pytest.mark.parametrize("repo", ["allenai/specter2_base", "allenai/specter2_aug2023refresh_base", "malteos/scincl"])
@pytest.mark.parametrize("url", ["https://huggingface.co/{}", "git@hf.co:{}.git", "https://me:hf_x@huggingface.co/{}/"])
def test_a_git_clone_is_known_by_its_origin(url: str, repo: str, base: Build) -> None:
    folder = base()
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text(f'[remote "origin"]\n\turl = {url.format(repo)}\n\tfetch = +refs\n')
    found = identify(folder)
    assert found is not None
    assert (found.family.name, found.confidence) == (repo, "certain")


def test_a_download_is_known_by_its_commit_or_hash(base: Build) -> None:
    for family, line in [
        (SPECTER2, f"{SPECTER2.commits[0]}\nabc\n1700000000.0\n"),
        (SPECTER2_REFRESH, f"{COMMIT}\n{next(iter(SPECTER2_REFRESH.weights))}\n1700000000.0\n"),
    ]:
        folder = base(f"{family.name}/downloaded")
        place = folder / ".cache" / "huggingface" / "download"
        place.mkdir(parents=True)
        (place / "pytorch_model.bin.metadata").write_text(line)
        found = identify(folder)
        assert found is not None
        assert (found.family.name, found.confidence) == (family.name, "certain")


def test_weights_are_known_by_their_hash(base: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace
    from hashlib import sha256

    folder = base()
    content = (folder / "model.safetensors").read_bytes()
    known = replace(SPECTER2, weights={sha256(content).hexdigest(): len(content)})
    monkeypatch.setattr("specter2_plugins.checkpoints.identity.families", lambda: {**families(), known.name: known})
    found = identify(folder)
    assert found is not None
    assert found.evidence == "the SHA-256 of model.safetensors"
    (folder / "model.safetensors").write_bytes(bytes(len(content)))
    assert identify(folder) is None


# --- what was asked for ---


def test_adapters_that_were_asked_for(oracle: Oracle, base: Build, caplog: pytest.LogCaptureFixture) -> None:
    folder = base()
    found = plan(folder, {"[PRX]": oracle.models / "adapters" / "proximity", "patents": oracle.adapters / "seq_bn"})
    assert list(found.adapters) == ["proximity", "patents"]
    assert not warned(caplog)
    with pytest.raises(TaskError, match="two adapters are named for the task 'classification'"):
        plan(folder, {"clf": "a/b", "classification": "a/c"})
    with pytest.raises(
        CheckpointError, match=r"no family of adapters is called 'specter2'; known: allenai/specter2_base"
    ):
        plan(folder, "specter2")


@pytest.mark.parametrize("source", ["./nowhere", "~/nowhere", "/no/such", "nowhere", "a/b/c"])
def test_an_adapter_that_is_not_there(source: str) -> None:
    with pytest.raises(CheckpointError, match=r"neither an existing folder \(looked for /.*nor a hub name"):
        adapter_folder(source, Hub())


def test_a_relative_folder_that_is_missing_is_looked_for_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for find in (lambda: plan("models/mine"), lambda: adapter_folder("models/mine", Hub())):
        with pytest.raises(CheckpointError, match=f"nor is there a folder {tmp_path}/models/mine"):
            find()


def test_the_home_folder(base: Build, oracle: Oracle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    base("mine/bert")
    adapter(oracle, tmp_path / "mine" / "prx")
    found = plan("~/mine/bert", {"proximity": "~/mine/prx"})
    assert (found.base, found.adapters) == (tmp_path / "mine" / "bert", {"proximity": tmp_path / "mine" / "prx"})


def test_adapters_for_something_else_are_told(cache: Build, oracle: Oracle, caplog: pytest.LogCaptureFixture) -> None:
    root = cache(*TASKS)
    cache(*TASKS, family=SCINCL, root=root)
    hub = Hub(cache_folder=root)
    plan(SPECTER2.name, {"proximity": "allenai/specter2_adhoc_query"}, hub)
    assert "given for the task 'proximity', is an adapter for 'adhoc_query'" in warned(caplog)
    plan(SPECTER2.name, {"proximity": "allenai/scirepeval_adapters_prx"}, hub)
    assert "is an adapter of 'malteos/scincl', not of 'allenai/specter2_base'" in warned(caplog)
    caplog.clear()
    plan(SPECTER2.name, {"query": oracle.models / "adapters" / "classification"}, hub)
    assert "given for the task 'adhoc_query', is an adapter for 'classification'" in warned(caplog)
