"""The configuration of a bottleneck adapter, as AdapterHub's `adapter_config.json` writes it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, TypeGuard

from specter2_plugins.errors import AdapterError

WAY_OUT = 'load_specter2(..., engine="adapterhub") runs it on the adapters library (transformers 4.57)'


def _is_number(value: object) -> TypeGuard[int | float]:
    # An integer can be too large for a float, and NaN would go into every vector.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _expect(name: str, value: object, allowed: tuple[object, ...], *, or_else: str | None = None) -> None:
    if value not in allowed:
        known = ", ".join([*map(repr, allowed), *([or_else] if or_else else [])])
        raise AdapterError(f"{name} is {value!r}, expected one of {known}")


@dataclass(frozen=True)
class BottleneckConfig:
    """Where a bottleneck adapter sits and how it computes.

    Field names and defaults are those of `BnConfig` in the adapters library (1.3.0).

    Example:
        >>> BottleneckConfig(mh_adapter=False, output_adapter=True, reduction_factor=16, non_linearity="relu").scaling
        1.0

    Args:
        mh_adapter: A bottleneck after the attention block of every layer.
        output_adapter: A bottleneck after the feed-forward block of every layer.
        reduction_factor: hidden size / bottleneck size, one number or one per layer ({"0": 8, "default": 16}).
        non_linearity: The activation inside the bottleneck.
        original_ln_before: Apply the block's residual and layer norm before the bottleneck.
        original_ln_after: Apply the block's residual and layer norm after the bottleneck.
        ln_before: A layer norm of the adapter's own before the down-projection.
        ln_after: A layer norm of the adapter's own after the up-projection.
        init_weights: How fresh weights are drawn: "bert", "mam_adapter" or "houlsby".
        is_parallel: Read the block's residual input instead of its output.
        scaling: A number, "learned" (one scalar) or "channel" (one per hidden unit).
        residual_before_ln: The bottleneck's residual: True the block's output, "post_add" after its
            residual connection, False after its layer norm.
        adapter_residual_before_ln: Add the bottleneck's residual before `ln_after` rather than after it.
        leave_out: Layers (from 0) without a bottleneck.
        dropout: Dropout on the bottleneck's output while training.
    """

    mh_adapter: bool
    output_adapter: bool
    reduction_factor: float | Mapping[str, float]
    non_linearity: str
    original_ln_before: bool = False
    original_ln_after: bool = True
    ln_before: bool = False
    ln_after: bool = False
    init_weights: Literal["bert", "mam_adapter", "houlsby"] = "bert"
    is_parallel: bool = False
    scaling: float | Literal["learned", "channel"] = 1.0
    residual_before_ln: bool | Literal["post_add"] = True
    adapter_residual_before_ln: bool = False
    leave_out: tuple[int, ...] = ()
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in _SWITCHES:
            _expect(name, getattr(self, name), (True, False))
        layers = self.leave_out or ()
        if not isinstance(layers, list | tuple) or not all(type(layer) is int for layer in layers):
            raise AdapterError(f"leave_out is {self.leave_out!r}, expected a list of layers")
        object.__setattr__(self, "leave_out", tuple(layers))
        if not _is_number(self.dropout) or not 0 <= self.dropout <= 1:
            raise AdapterError(f"dropout is {self.dropout!r}, expected a number from 0 to 1")
        if _is_number(self.scaling):
            object.__setattr__(self, "scaling", float(self.scaling))
        else:
            _expect("scaling", self.scaling, ("learned", "channel"), or_else="a number")
        _expect("residual_before_ln", self.residual_before_ln, (True, False, "post_add"))
        _expect("init_weights", self.init_weights, ("bert", "mam_adapter", "houlsby"))
        factors = (
            self.reduction_factor.values() if isinstance(self.reduction_factor, Mapping) else [self.reduction_factor]
        )
        if not all(_is_number(factor) and factor > 0 for factor in factors):
            raise AdapterError(f"reduction_factor is {self.reduction_factor!r}, expected positive numbers")
        if not isinstance(self.non_linearity, str):
            raise AdapterError(f"non_linearity is {self.non_linearity!r}, expected the name of an activation")
        if self.residual_before_ln == "post_add" and not self.original_ln_before and not self.is_parallel:
            raise AdapterError("residual_before_ln='post_add' needs original_ln_before=True, got False")

    @classmethod
    def from_dict(cls, config: Mapping[str, Any] | str) -> BottleneckConfig:
        """Read the `config` entry of an `adapter_config.json`: a dict, or a name such as "seq_bn".

        Raises:
            AdapterError: If it describes an adapter that is no plain bottleneck.
        """
        if isinstance(config, str):
            if config not in NAMED_CONFIGS:
                raise AdapterError(f"config is {config!r}; known here: {', '.join(NAMED_CONFIGS)}. {WAY_OUT}")
            return NAMED_CONFIGS[config]
        if not isinstance(config, Mapping):
            raise AdapterError(f"config is {config!r}, expected an object or the name of one")
        if config.get("architecture") is not None:
            raise AdapterError(
                f"architecture is {config['architecture']!r}; only bottleneck adapters (null) run here. {WAY_OUT}"
            )
        known = {field.name for field in fields(cls)}
        for name, value in config.items():
            if name not in known | _INERT and value:
                raise AdapterError(f"{name} is {value!r}; only bottlenecks without it run here. {WAY_OUT}")
        missing = [name for name in _REQUIRED if name not in config]
        if missing:
            raise AdapterError(f"the adapter's config lacks {', '.join(missing)}; is adapter_config.json complete?")
        return cls(**{name: value for name, value in config.items() if name in known})

    def to_dict(self) -> dict[str, Any]:
        """Return the `config` entry of an `adapter_config.json`."""
        return {**asdict(self), "leave_out": list(self.leave_out)}

    def bottleneck_size(self, layer: int, hidden_size: int) -> int:
        """Return units in the bottleneck of a layer (from 0).

        Raises:
            AdapterError: If `reduction_factor` says nothing about that layer.
        """
        factor = self.reduction_factor
        if isinstance(factor, Mapping):
            try:
                factor = factor[str(layer)] if str(layer) in factor else factor["default"]
            except KeyError:
                raise AdapterError(
                    f"reduction_factor {self.reduction_factor} covers neither layer {layer} nor 'default'"
                ) from None
        return max(1, int(hidden_size // factor))


_SWITCHES = (
    "mh_adapter",
    "output_adapter",
    "original_ln_before",
    "original_ln_after",
    "ln_before",
    "ln_after",
    "is_parallel",
    "adapter_residual_before_ln",
)
_REQUIRED = ("mh_adapter", "output_adapter", "reduction_factor", "non_linearity")

# Settings of other adapter kinds that mean nothing while the switch they belong to is off, and
# cross-attention, which an encoder does not have.
_INERT = frozenset(
    {
        "architecture",
        "cross_adapter",
        "factorized_phm_W",
        "factorized_phm_rule",
        "hypercomplex_nonlinearity",
        "init_weights_seed",
        "inv_adapter_reduction_factor",
        "learn_phm",
        "phm_bias",
        "phm_c_init",
        "phm_dim",
        "phm_init_range",
        "phm_rank",
        "shared_W_phm",
        "shared_phm_rule",
    }
)

_SEQ_BN = BottleneckConfig(
    mh_adapter=False, output_adapter=True, reduction_factor=16, non_linearity="relu", original_ln_before=True
)
_DOUBLE_SEQ_BN = BottleneckConfig(mh_adapter=True, output_adapter=True, reduction_factor=16, non_linearity="swish")
_PAR_BN = BottleneckConfig(
    mh_adapter=False,
    output_adapter=True,
    reduction_factor=2,
    non_linearity="relu",
    init_weights="mam_adapter",
    is_parallel=True,
    scaling=4.0,
)
_SCALED_PAR_BN = replace(_PAR_BN, scaling="learned")

NAMED_CONFIGS: dict[str, BottleneckConfig] = {
    "seq_bn": _SEQ_BN,
    "pfeiffer": _SEQ_BN,
    "double_seq_bn": _DOUBLE_SEQ_BN,
    "houlsby": _DOUBLE_SEQ_BN,
    "par_bn": _PAR_BN,
    "parallel": _PAR_BN,
    "scaled_par_bn": _SCALED_PAR_BN,
    "scaled_parallel": _SCALED_PAR_BN,
}
"""The bottleneck configurations that have a name, old and new, in the adapters library."""
