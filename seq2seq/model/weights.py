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
from seq2seq.model import INT8_SCALES


def pack_weights(network: nn.Module) -> bytes:
    """The content of the file: each parameter under its name, a shared one once."""
    return safetensors.torch.save({name: tensor.detach().contiguous() for name, tensor in network.named_parameters()})


@contextmanager
def shapes_only() -> Iterator[None]:
    """Create modules on the meta device, where they take no memory and no time, whatever their size."""
    with torch.device("meta"), _NoInitialisation():
        yield


class _NoInitialisation(TorchFunctionMode):
    """The meta device initialises nothing anyway, but torch would load its compiler to do so."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"]
        return func(*args, **kwargs)


def expect_device(device: torch.device | str) -> None:
    """Raises InputError if torch cannot use the device."""
    try:
        torch.empty(0, device=device).cpu()  # not possible on torch's "meta" device, which has no data
    # AssertionError if torch was built without CUDA, ImportError for devices that need a plugin.
    except (AssertionError, ImportError, NotImplementedError, RuntimeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"device {device} cannot be used: {reason}") from None


def load_weights(network: nn.Module, path: os.PathLike[str], device: torch.device | str) -> None:
    """Put a network of `shapes_only` on `device`, with the parameters of a file.

    Matrices may be in int8, with a scale per row; they become float32. Raises InputError if the file is damaged or
    does not have exactly these names and shapes, before any memory is allocated.
    """
    parameters = dict(network.named_parameters())
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            expected = {name: ("F32", list(parameter.shape)) for name, parameter in parameters.items()}
            scaled = {name for name in parameters if name + INT8_SCALES in file.keys()}  # noqa: SIM118  # not a dictionary
            for name in scaled:
                shape = expected[name][1]
                expected |= {name: ("I8", shape), name + INT8_SCALES: ("F32", shape[:1])}
            if differing := sorted(set(file.keys()) ^ set(expected)):
                raise InputError(f"{path}: tensor {differing[0][:80]!r} is missing or not of this model")
            for name, (dtype, shape) in expected.items():
                stored = file.get_slice(name)
                if stored.get_shape() != shape or stored.get_dtype() != dtype:
                    raise InputError(
                        f"{path}: tensor {name} is {stored.get_dtype()} {stored.get_shape()}, expected {dtype} {shape}"
                    )
            network.to_empty(device=device)
            with torch.no_grad():
                for name, parameter in network.named_parameters():
                    tensor = file.get_tensor(name)
                    if name in scaled:
                        tensor = tensor.float() * file.get_tensor(name + INT8_SCALES)[:, None]
                    parameter.copy_(tensor)
    except safetensors.SafetensorError as error:
        raise InputError(f"{path}: damaged ({error})") from None
