"""A device of single precision for tests, such as Apple's: it refuses float64 in every operation, though all is computed on the CPU.

Its tensors say that they are on "meta", a device which is always there, and hold their numbers on the CPU. As on any device, they do not
meet tensors of the CPU other than single numbers, and numpy does not read them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_flatten, tree_map

HERE = torch.device("meta")
REFUSED = "Cannot convert a tensor of this device to float64, which the device does not support."
CROSSING = ("aten::_to_copy", "aten::copy_", "aten::_local_scalar_dense")  # that may have a tensor on either side


class There(Tensor):
    """A tensor of the device; `held` is the one on the CPU that has its numbers."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> There:
        if held.dtype == torch.float64:
            raise TypeError(REFUSED)
        made = Tensor._make_wrapper_subclass(
            cls, held.shape, held.stride(), held.storage_offset(), dtype=held.dtype, device=HERE, requires_grad=False
        )
        made.held = held
        return made

    def __format__(self, how: str) -> str:
        return format(self.held, how)

    def tolist(self) -> Any:
        return self.held.tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        return compute(func, args, kwargs or {})


class FromNumbers(TorchFunctionMode):
    """Tensors made of Python's numbers, which torch makes on "meta" without asking a dispatch mode."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        if func is Tensor.new_tensor and isinstance(args[0], There):
            return torch.tensor(*args[1:], **{"dtype": args[0].dtype} | kwargs).to(HERE)
        if func in (torch.tensor, torch.as_tensor) and torch.device(kwargs.get("device") or "cpu") == HERE:
            kwargs = {k: v for k, v in kwargs.items() if k != "device"}
            return (args[0].to(**kwargs) if isinstance(args[0], There) else func(*args, **kwargs)).to(HERE)
        return func(*args, **kwargs)


class SinglePrecision(TorchDispatchMode):
    """While it is open, what is made on "meta" is made on the device."""

    def __enter__(self) -> SinglePrecision:
        self.numbers = FromNumbers()
        self.numbers.__enter__()
        return super().__enter__()

    def __exit__(self, *how: Any) -> None:
        super().__exit__(*how)
        self.numbers.__exit__(*how)

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        return compute(func, args, kwargs or {})


def compute(func: Any, args: tuple, kwargs: dict) -> Any:
    flat = [t for t in tree_flatten((args, kwargs))[0] if isinstance(t, Tensor)]
    asked = kwargs.get("device")
    there = asked is not None and torch.device(asked) == HERE
    if any(isinstance(t, There) for t in flat):
        name = func._schema.name
        if name not in CROSSING and any(not isinstance(t, There) and t.ndim for t in flat):
            raise RuntimeError(f"{name}: expected all tensors to be on the same device.")
        if any(not isinstance(t, There) and t.dtype == torch.float64 for t in flat):
            raise TypeError(REFUSED)  # a single number, too
        there = there or asked is None and not (name == "aten::copy_" and not isinstance(args[0], There))
        if kwargs.get("dtype") == torch.float64 or (name == "aten::_to_copy" and not there and kwargs.get("dtype") == torch.float64):
            raise TypeError(REFUSED)
    elif there and any(t.dtype == torch.float64 for t in flat) and kwargs.get("dtype") is None:
        raise TypeError(REFUSED)
    kwargs = kwargs | {"device": torch.device("cpu")} if asked is not None else kwargs
    held = lambda t: t.held if isinstance(t, There) else t  # noqa: E731
    out = func(*tree_map(held, args), **tree_map(held, kwargs))
    if not there:
        return out
    given = {id(t.held): t for t in flat if isinstance(t, There)}
    out = tree_map(lambda t: t if not isinstance(t, Tensor) else given[id(t)] if id(t) in given else There(t), out)
    return return_and_correct_aliasing(func, args, kwargs, out) if func._schema.is_mutable else out


def moved(model: nn.Module) -> nn.Module:
    """The model on the device."""
    for module in model.modules():
        for name, p in module._parameters.items():
            module._parameters[name] = None if p is None else nn.Parameter(There(p.detach()), requires_grad=False)
        for name, b in module._buffers.items():
            module._buffers[name] = None if b is None else There(b)
    return model
