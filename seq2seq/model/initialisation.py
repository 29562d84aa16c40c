"""Initialisations of the papers that differ from those of the layers themselves."""

from torch import nn


def normal_and_orthogonal(network: nn.Module) -> None:
    """N(0, 0.01^2), biases 0; recurrent matrices stay orthogonal (Cho et al. 2014, section 4.1.1)."""
    for name, parameter in network.named_parameters():
        if "bias" in name:
            nn.init.zeros_(parameter)
        elif "weight_hh" not in name:
            nn.init.normal_(parameter, std=0.01)


def uniform_attention(network: nn.Module) -> None:
    """The same, with uniform attention at first: matrices N(0, 0.001^2), vector 0 (Bahdanau et al. 2015, B.1)."""
    normal_and_orthogonal(network)
    for name, parameter in network.named_parameters():
        if ".attention." in name and name.endswith("weight"):
            nn.init.normal_(parameter, std=0.0 if ".score." in name else 0.001)


def uniform_008(network: nn.Module) -> None:
    """All parameters uniform in [-0.08, 0.08] (Sutskever et al. 2014, section 3.4)."""
    for parameter in network.parameters():
        nn.init.uniform_(parameter, -0.08, 0.08)


def uniform_01(network: nn.Module) -> None:
    """All parameters uniform in [-0.1, 0.1] (Luong et al. 2015, section 4.1)."""
    for parameter in network.parameters():
        nn.init.uniform_(parameter, -0.1, 0.1)
