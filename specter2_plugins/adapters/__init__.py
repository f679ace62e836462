"""AdapterHub's bottleneck adapters for BERT, for any transformers version.

Example:
    >>> from transformers import AutoModel, AutoTokenizer
    >>> from specter2_plugins.adapters import load_adapter, prepare, use_adapter
    >>> bert, tokenizer = AutoModel.from_pretrained("models/bert"), AutoTokenizer.from_pretrained("models/bert")
    >>> prepare(bert)
    >>> proximity = load_adapter("models/prx", bert.config)
    >>> with use_adapter(proximity):
    ...     bert(**tokenizer("A title", return_tensors="pt")).last_hidden_state[:, 0].shape
    torch.Size([1, 48])
"""

from specter2_plugins.adapters.bottleneck import Adapter, Bottleneck
from specter2_plugins.adapters.config import BottleneckConfig
from specter2_plugins.adapters.format import load_adapter, save_adapter
from specter2_plugins.adapters.injection import prepare, use_adapter

__all__ = ["Adapter", "Bottleneck", "BottleneckConfig", "load_adapter", "prepare", "save_adapter", "use_adapter"]
