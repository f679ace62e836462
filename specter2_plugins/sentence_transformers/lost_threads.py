"""PyTorch's threads, which a fork of the process has lost."""

from __future__ import annotations

import logging
import os

import torch

logger = logging.getLogger(__name__)

_process = os.getpid()


@torch.compiler.disable  # type: ignore[untyped-decorator]  # it cannot trace a process's number
def go_on_without_lost_threads() -> None:
    """Compute in one thread from now on if this process is a fork, where PyTorch would wait forever for the others."""
    global _process
    if os.getpid() == _process:
        return
    _process = os.getpid()
    if torch.get_num_threads() > 1:
        torch.set_num_threads(1)
        logger.warning(
            "process %d is a fork, which PyTorch's threads do not live on in: the model computes in one thread here. "
            "A process that multiprocessing starts by 'spawn' has all of them",
            _process,
        )
