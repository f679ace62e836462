"""AdapterHub's bottleneck adapters for BERT, for any transformers version.

Example:
    >>> from specter2_plugins.adapters import load_adapter, prepare, use_adapter
    >>> prepare(bert)                                       # a transformers BertModel
    >>> proximity = load_adapter("path/to/adapter", bert.config)
    >>> with use_adapter(proximity):
    ...     bert(**inputs).last_hidden_state
"""

from specter2_plugins.adapters.bottleneck import Adapter, Bottleneck
from specter2_plugins.adapters.config import BottleneckConfig
from specter2_plugins.adapters.format import load_adapter, save_adapter
from specter2_plugins.adapters.injection import prepare, use_adapter

__all__ = ["Adapter", "Bottleneck", "BottleneckConfig", "load_adapter", "prepare", "save_adapter", "use_adapter"]
