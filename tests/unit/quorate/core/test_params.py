"""Parameters come whole and in integers from a genesis, or the field is named."""

import dataclasses

import pytest

from quorate.core.errors import InvalidGenesis
from quorate.core.params import Params


def test_parameters_read_back_from_their_document() -> None:
    params = Params(block_interval_ms=7, lanes_max=3)
    assert Params.parse(dict(params.to_document())) == params


def test_what_is_left_out_has_its_default() -> None:
    assert Params.parse({}) == Params()


@pytest.mark.parametrize("value", ["20", 20.0, True, None, -1, [20], 2**63])
def test_a_value_that_is_no_integer_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidGenesis) as caught:
        Params.parse({"block_interval_ms": value})
    assert caught.value.fields() == {"field": "params.block_interval_ms"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("block_weight_max", 1), ("protocol_version", 65_536), ("contract_engine", 65_536)],
)
def test_a_value_that_headers_or_fees_cannot_work_with_is_refused(name: str, value: int) -> None:
    with pytest.raises(InvalidGenesis):
        Params.parse({name: value})


def test_an_unknown_parameter_is_refused_by_name() -> None:
    with pytest.raises(InvalidGenesis, match=r"params\.speed: is not a parameter"):
        Params.parse({"speed": 11})


def test_units_stand_last_and_bounds_end_in_max_or_min() -> None:
    for field in dataclasses.fields(Params):
        assert field.type in (int, "int")
        for unit in ("ms", "bytes"):
            head, _, tail = field.name.rpartition(f"_{unit}")
            assert not head or tail in ("", "_max", "_min"), field.name


def test_one_batch_fits_a_block() -> None:
    params = Params()
    assert params.transaction_size_bytes_max <= params.batch_size_bytes_max
    assert params.batch_size_bytes_max <= params.block_weight_max
    assert params.batch_size_bytes_max <= params.author_unfinalized_bytes_max
