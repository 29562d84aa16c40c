"""The parameters of a network as a safetensors file."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from seq2seq.errors import InputError


def pack_weights(network: nn.Module) -> bytes:
    """The content of the file: each parameter under its name, a shared one once."""
    return safetensors.torch.save({name: tensor.detach().contiguous() for name, tensor in network.named_parameters()})


@contextmanager
def shapes_only() -> Iterator[None]:
    """Modules that are made inside stand on the meta device: they take no memory and no time, whatever their size."""
    with torch.device("meta"), _NoInitialisation():
        yield


class _NoInitialisation(TorchFunctionMode):
    """On the meta device nothing would be initialised anyway, but torch would load its compiler to do so."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"]
        return func(*args, **kwargs)


def expect_device(device: torch.device | str) -> None:
    """Raises InputError where torch cannot use the device."""
    try:
        torch.empty(0, device=device)
    except (AssertionError, RuntimeError) as error:  # the former where torch was built without CUDA
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"device {device} cannot be used: {reason}") from None


def load_weights(network: nn.Module, path: os.PathLike[str], device: torch.device | str) -> None:
    """Put a network of `shapes_only` on `device`, with the parameters of a file.

    Raises InputError where the file is damaged or has not just these names and shapes, in float32. Only then is memory
    taken.
    """
    parameters = dict(network.named_parameters())
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            if odd := sorted(set(file.keys()) ^ set(parameters)):
                raise InputError(f"{path}: tensor {odd[0][:80]!r} is missing or not of this model")
            for name, parameter in parameters.items():
                found = file.get_slice(name)
                if found.get_shape() != list(parameter.shape) or found.get_dtype() != "F32":
                    raise InputError(
                        f"{path}: tensor {name} is {found.get_dtype()} {found.get_shape()}, "
                        f"expected F32 {list(parameter.shape)}"
                    )
            network.to_empty(device=device)
            with torch.no_grad():
                for name, parameter in network.named_parameters():
                    parameter.copy_(file.get_tensor(name))
    except safetensors.SafetensorError as error:
        raise InputError(f"{path}: damaged ({error})") from None
