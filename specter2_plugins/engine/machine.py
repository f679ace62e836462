"""What this machine computes with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sentence_transformers.util import get_device_name

from specter2_plugins.engine.kernels import onednn_runs


@dataclass(frozen=True)
class Machine:
    """How the packed engine will run here.

    Args:
        torch: PyTorch's version.
        device: The device.
        processor: Its name, as PyTorch reports it.
        threads: CPU threads of one matrix product, as `torch.set_num_threads` left them.
        float32_kernel: What multiplies matrices in float32.
        bfloat16_in_hardware: Whether bfloat16 is computed as such rather than emulated.
        auto_dtype: The precision that `dtype="auto"` stands for.
    """

    torch: str
    device: str
    processor: str
    threads: int
    float32_kernel: str
    bfloat16_in_hardware: bool
    auto_dtype: str

    @classmethod
    def of(cls, device: str | None = None) -> Machine:
        """Look at a device, by default the best there is."""
        device = device or get_device_name()
        on_gpu = device.startswith("cuda")
        return cls(
            torch=torch.__version__,
            device=device,
            processor=torch.cuda.get_device_name(device) if on_gpu else torch.backends.cpu.get_cpu_capability(),
            threads=torch.get_num_threads(),
            float32_kernel="oneDNN" if device == "cpu" and onednn_runs(torch.float32) else "PyTorch",
            bfloat16_in_hardware=_computes_bfloat16(device),
            auto_dtype=str(auto_dtype(device)).removeprefix("torch."),
        )


def auto_dtype(device: str | None = None) -> torch.dtype:
    """Return bfloat16 where the device computes it in hardware, else float32."""
    return torch.bfloat16 if _computes_bfloat16(device or get_device_name()) else torch.float32


def _computes_bfloat16(device: str) -> bool:
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device == "cpu" and onednn_runs(torch.bfloat16)
