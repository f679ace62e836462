"""Training adapters, and bases, on SciRepEval's task formats."""

from specter2_plugins.extras import require

require("datasets", "datasets", "train")
require("accelerate", "accelerate", "train")

from specter2_plugins.training.heads import Head, load_heads  # noqa: E402
from specter2_plugins.training.options import ADAPTERS, BASE, TrainingOptions  # noqa: E402
from specter2_plugins.training.report import TrainingReport  # noqa: E402
from specter2_plugins.training.tasks import HubDataset, TrainingTask, read_tasks_config  # noqa: E402
from specter2_plugins.training.train import train_adapters, train_base  # noqa: E402

__all__ = [
    "ADAPTERS",
    "BASE",
    "Head",
    "HubDataset",
    "TrainingOptions",
    "TrainingReport",
    "TrainingTask",
    "load_heads",
    "read_tasks_config",
    "train_adapters",
    "train_base",
]
