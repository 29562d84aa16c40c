"""The parameters of a network as a safetensors file."""

from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import nn

from seq2seq.errors import InputError


def pack_weights(network: nn.Module) -> bytes:
    """The content of the file: each parameter under its name, a shared one once."""
    return safetensors.torch.save({name: tensor.detach().contiguous() for name, tensor in network.named_parameters()})


def load_weights(network: nn.Module, path: Path, device: torch.device | str) -> None:
    """Put a network that stands on the meta device on `device`, with the parameters of a file.

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
