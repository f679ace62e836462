"""Fetching a repository's files from the Hugging Face hub, or saying in one line why that failed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from specter2_plugins.errors import CheckpointError, one_line


@dataclass(frozen=True)
class Hub:
    """How to reach the hub.

    Args:
        revision: A branch, tag or commit of the base repository, or one per repository ({"org/name": "abc123"}).
        cache_folder: Where downloads are kept; by default `SENTENCE_TRANSFORMERS_HOME` or the hub's own cache.
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
        folder = self._snapshot(repo, ["*.json", "*.txt", "*.safetensors"])
        if not any(folder.glob("*.safetensors")):
            folder = self._snapshot(repo, ["*.json", "*.txt", "pytorch_model*.bin"])
        return folder

    def adapter_folder(self, repo: str) -> Path:
        """Fetch an adapter in AdapterHub's format.

        Raises:
            CheckpointError: If the repository cannot be had; the message names it.
        """
        return self._snapshot(repo, ["adapter_config.json", "adapter.safetensors", "pytorch_adapter.bin"])

    def pinned(self, base: str) -> Hub:
        """The same hub with a lone revision tied to the base it is meant for."""
        if isinstance(self.revision, str):
            return Hub({base: self.revision}, self.cache_folder, self.local_files_only, self.token)
        return self

    def _snapshot(self, repo: str, patterns: list[str]) -> Path:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError: requests' or httpx's own
            GatedRepoError,
            HFValidationError,
            HTTPError,
            LocalEntryNotFoundError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        revision = self.revision.get(repo) if isinstance(self.revision, Mapping) else self.revision
        at = f"{repo!r}" if revision is None else f"{repo!r} at revision {revision!r}"
        try:
            return Path(
                snapshot_download(
                    repo,
                    revision=revision,
                    cache_dir=self.cache_folder or os.getenv("SENTENCE_TRANSFORMERS_HOME"),
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
            reason = (
                "it is not in the local cache and local_files_only is set"
                if self.local_files_only
                else "the hub cannot be reached and it is not in the local cache"
            )
        except (HTTPError, OSError) as error:
            reason = f"the download failed: {one_line(error)}"
        raise CheckpointError(f"cannot load {at}: {reason}") from None
