"""One seed for all that is random in a run: printed first, repeated by QUORATE_TEST_SEED."""

import os
import random
from secrets import randbelow

import pytest
from hypothesis import settings

SEED = int(os.environ.get("QUORATE_TEST_SEED") or randbelow(65_536))

settings.register_profile("quorate", deadline=None, print_blob=True)
settings.load_profile("quorate")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(SEED)


def pytest_report_header() -> str:
    return (
        f"seed: {SEED} (repeat with QUORATE_TEST_SEED={SEED}); "
        f"PYTHONHASHSEED={os.environ.get('PYTHONHASHSEED', 'random')}"
    )


@pytest.fixture
def rng() -> random.Random:
    """Randomness of this run's seed, the same for every test whatever ran before it."""
    return random.Random(SEED)
