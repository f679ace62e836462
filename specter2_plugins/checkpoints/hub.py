"""Fetching a repository's files from the Hugging Face hub, or saying in one line why that failed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from specter2_plugins.checkpoints.caches import cache_of, cache_roots, cached
from specter2_plugins.errors import CheckpointError, one_line

logger = logging.getLogger(__name__)

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_ADAPTER = ("adapter.safetensors", "pytorch_adapter.bin")


class NotAvailableError(CheckpointError):
    """A repository that is neither in a cache nor to be had from the hub now."""


@dataclass(frozen=True)
class Hub:
    """How to reach the hub.

    Args:
        revision: A branch, tag or commit of the base repository, or one per repository ({"org/name": "abc123"}).
        cache_folder: Where downloads are kept; by default `SENTENCE_TRANSFORMERS_HOME` or the hub's own cache, unless
            another cache holds the repository already (see `cache_of`).
        local_files_only: Use what is cached and never the network.
        token: A token for private repositories; by default the one that `hf auth login` stored.
    """

    revision: str | Mapping[str, str] | None = None
    cache_folder: str | Path | None = None
    local_files_only: bool = False
    token: str | bool | None = field(default=None, repr=False)

    def base_folder(self, repo: str) -> Path:
        """Fetch a base model: configuration, tokenizer and weights (safetensors where there are any).

        Raises:
            CheckpointError: If the repository cannot be had; the message names it.
        """
        folder = self._fetched(repo, ["*.json", "*.txt", _WEIGHTS[0]], "config.json", _WEIGHTS)
        if not any(folder.glob(_WEIGHTS[0])):
            folder = self._fetched(repo, ["*.json", "*.txt", _WEIGHTS[1]], "config.json", _WEIGHTS)
        return folder

    def adapter_folder(self, repo: str) -> Path:
        """Fetch an adapter in AdapterHub's format.

        Raises:
            CheckpointError: If the repository cannot be had; the message names it.
        """
        return self._fetched(repo, ["adapter_config.json", *_ADAPTER], "adapter_config.json", _ADAPTER)

    def pinned(self, base: str) -> Hub:
        """Return the same hub with a lone revision tied to the base it is meant for."""
        return replace(self, revision={base: self.revision}) if isinstance(self.revision, str) else self

    def offline(self) -> Hub:
        """Return the same hub without the network."""
        return replace(self, local_files_only=True)

    def _fetched(self, repo: str, patterns: list[str], config: str, weights: Sequence[str]) -> Path:
        """Fetch a repository, or take what the cache holds of it where that is enough."""
        revision = self.revision.get(repo) if isinstance(self.revision, Mapping) else self.revision
        try:
            folder = self._snapshot(repo, revision, patterns)
        except NotAvailableError:
            # A cache without refs/, and one of whose repository other files are missing, are no caches to the hub's
            # own library.
            whole = [
                folder for folder in cached(repo, revision, self.cache_folder) if _is_whole(folder, config, weights)
            ]
            if not whole:
                raise
            if len(whole) > 1:
                logger.warning(
                    "the cache does not say which of %d commits of %r is the current one: %s, the latest, is loaded",
                    len(whole), repo, whole[0].name,
                )  # fmt: skip
            return whole[0]
        return folder

    def _snapshot(self, repo: str, revision: str | None, patterns: list[str]) -> Path:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError: requests' or httpx's own
            GatedRepoError,
            HFValidationError,
            HTTPError,
            LocalEntryNotFoundError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        at = f"{repo!r}" if revision is None else f"{repo!r} at revision {revision!r}"
        kind: type[CheckpointError] = CheckpointError
        try:
            return Path(
                snapshot_download(
                    repo,
                    revision=revision,
                    cache_dir=cache_of(repo, self.cache_folder),
                    local_files_only=self.local_files_only,
                    token=self.token,
                    allow_patterns=patterns,
                )
            )
        except HFValidationError:
            reason = "it is neither an existing folder nor a valid repository name"
        except GatedRepoError:
            reason = "it is gated; accept its terms on the hub and pass a token"
        except RepositoryNotFoundError:
            reason = "the hub has no such repository, or it is private and needs a token"
        except RevisionNotFoundError:
            reason = "the repository has no such revision"
        except LocalEntryNotFoundError:
            kind = NotAvailableError
            partly = "it is only in part" if cached(repo, revision, self.cache_folder) else "it is not"
            where = ", ".join(map(str, cache_roots(self.cache_folder)))
            reason = (
                f"{partly} in the local cache ({where}) and local_files_only is set"
                if self.local_files_only
                else f"the hub cannot be reached and {partly} in the local cache ({where})"
            )
        except (HTTPError, OSError) as error:
            reason = f"the download failed: {one_line(error)}"
        raise kind(f"cannot load {at}: {reason}") from None


def _is_whole(folder: Path, config: str, weights: Sequence[str]) -> bool:
    return (folder / config).is_file() and any(any(folder.glob(pattern)) for pattern in weights)
