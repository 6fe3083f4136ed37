"""A decoder that leaves leaves nothing behind."""

from __future__ import annotations

import pytest
from drawn_networks import count, make, volume
from torch import nn

from admoe_monai.networks.nets import remove_decoder


def test_a_removed_decoder_leaves_nothing_behind() -> None:
    net = make()
    assert net.decoder is not None
    expected = count(net.decoder)
    assert remove_decoder(net) == expected
    assert not any(name.startswith("decoder") for name in net.state_dict())
    assert not any(name.startswith("decoder") for name, _ in net.named_modules())
    assert remove_decoder(net) == 0
    net(volume())
    with pytest.raises(ValueError, match="no decoder"):
        net(volume(), tasks=("reconstruction",))


def test_a_network_built_without_decoder_takes_the_weights_of_one_that_lost_it() -> None:
    net = make()
    remove_decoder(net)
    make(decoder=None).load_state_dict(net.state_dict(), strict=True)


def test_a_wrapped_network_loses_its_decoder_too() -> None:
    net = make()
    assert remove_decoder(nn.DataParallel(net)) > 0
    assert net.decoder is None


def test_a_network_that_never_has_a_decoder_is_refused() -> None:
    with pytest.raises(ValueError, match="Linear"):
        remove_decoder(nn.Linear(1, 1))
