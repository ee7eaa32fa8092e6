"""A chain of one's own for tests of contracts: no network, no blocks to wait for, own time.

    def test_tokens_move(chain):
        alice, bob = chain.account("alice"), chain.account("bob")
        token = chain.deploy("token.py", "Gold", "AU", 2, 1_000, caller=alice)
        token.transfer(bob, 5, caller=alice)
        assert token.balances[bob] == 5
        with reverts("balance too small"):
            token.transfer(alice, 6, caller=bob)

The contract runs under plain Python, where a debugger works; `pytest --contracts=compiled` runs
the same tests on the machine that validators run, `--contracts=both` on both. Everything around
it, from money to limits, is the chain's own code either way.
"""

from quorate.lang.testing.chain import Chain
from quorate.lang.testing.deployed import Deployed, Told
from quorate.lang.testing.failures import CallFailed, fails, reverts

__all__ = ["CallFailed", "Chain", "Deployed", "Told", "fails", "reverts"]
