"""What GPUs may round: the flags are the same without one."""

import torch

from study.engine.pack import Pack, Run
from study.engine.precision import quiet


def allowed() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


def test_tf32_is_used_in_steps_of_arms_that_ask_for_it_only(arm, data):
    """Also where such arms take turns with others, as in the timing job."""
    before = allowed()
    plain, asks = (Pack([Run(chosen, 0)], data(chosen)) for chosen in (arm(), arm(tf32=True)))
    with quiet():
        assert allowed() == (False, False)
        for pack, wanted in ((asks, True), (plain, False), (asks, True)):
            pack.step(torch.arange(5).unsqueeze(0), 0.0)
            assert allowed() == (wanted, wanted)
        plain.evaluate(0, None)
        assert allowed() == (False, False)
        asks.evaluate(0, None)
        assert allowed() == (True, True)
    assert allowed() == before
