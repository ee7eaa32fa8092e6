"""Configuration comes from a file and the environment; what is wrong is refused with its place."""

from pathlib import Path

import pytest

from quorate.core.errors import RefusedToStart
from quorate.core.values import format_address
from quorate.kit.config import GatewayConfig, load_gateway_config, load_node_config

NODE = 'home = "data"\nname = "v0"\nsockets_dir = "s"\n'
GATEWAY = 'genesis = "genesis.json"\n[[validators]]\nname = "v0"\ngossip = "a:1"\nstorage = "a:2"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "node.toml"
    path.write_text(text)
    return path


def test_a_node_needs_home_name_and_sockets_only(tmp_path: Path) -> None:
    config = load_node_config(write(tmp_path, NODE))
    assert (config.home, config.name, config.observer) == (Path("data"), "v0", False)
    assert config.socket("gossip") == "unix:s/gossip.sock"


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUORATE_NAME", "from environment")
    monkeypatch.setenv("QUORATE_PEERS", '["aa@host:1"]')
    config = load_node_config(write(tmp_path, NODE + 'peers = ["bb@host:2"]\n'))
    assert config.name == "from environment"
    assert config.peers == ["aa@host:1"]


def test_a_candidate_is_an_address_in_its_canonical_form(tmp_path: Path) -> None:
    address = format_address(bytes(range(32)))
    assert load_node_config(write(tmp_path, NODE)).candidate == ""
    config = load_node_config(write(tmp_path, NODE + f'candidate = "{address.upper()}"\n'))
    assert config.candidate == address


def test_a_configuration_knows_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, GATEWAY)
    assert load_gateway_config(path).source == path
    made = GatewayConfig(genesis=tmp_path, validators=[])
    assert made.source is None


def test_a_gateway_lists_its_validators(tmp_path: Path) -> None:
    config = load_gateway_config(write(tmp_path, GATEWAY))
    assert [(v.name, v.gossip, v.storage) for v in config.validators] == [("v0", "a:1", "a:2")]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (NODE + "peers_max = true_\n", "is not TOML"),
        (NODE + "colour = 1\n", "colour: Extra"),
        (NODE + 'peers_max = "many"\n', "peers_max: Input"),
        (NODE.replace("name", "nome"), "name: Field required"),
        (NODE + 'candidate = "validator-2"\n', "candidate: Value error, 'validator-2' is not an"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(RefusedToStart, match=place) as caught:
        load_node_config(write(tmp_path, text))
    assert caught.value.reason == "BAD_CONFIG"


def test_a_missing_file_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(RefusedToStart, match=r"nowhere\.toml") as caught:
        load_node_config(tmp_path / "nowhere.toml")
    assert caught.value.reason == "NO_CONFIG"
