"""A second gateway beside that of a local network, so that clients have two ways."""

from quorate.devnet.layout import Layout
from quorate.devnet.network import Network
from quorate.devnet.ports import HOST, find_free_ports
from quorate.devnet.processes import GATEWAY, Program

SECOND = "gateway-2"


class Gateways:
    """Both gateways by name. Make it after `network.up()`, which writes the first one's file."""

    def __init__(self, network: Network) -> None:
        self._network = network
        (first,) = network.processes.select(GATEWAY)
        second, self._second_endpoint = _write_second(network.layout)
        self._programs = {GATEWAY: first, SECOND: second}

    @property
    def names(self) -> tuple[str, ...]:
        """Both names."""
        return tuple(self._programs)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Where clients find them."""
        return (self._network.layout.endpoint, self._second_endpoint)

    def start(self, name: str) -> None:
        """Start one that does not run."""
        self._network.processes.start([self._programs[name]])

    def kill(self, name: str) -> bool:
        """Kill one like a power cut; tell whether it ran."""
        return bool(self._network.processes.kill([self._programs[name]]))

    def stop(self) -> None:
        """Stop the second one; the network stops the first."""
        self._network.processes.stop([self._programs[SECOND]])


def _write_second(layout: Layout) -> tuple[Program, str]:
    listen, metrics = (f"{HOST}:{port}" for port in find_free_ports(2))
    ours = {"listen": listen, "metrics_listen": metrics}
    lines = []
    for line in layout.gateway_config.read_text().splitlines():
        name = line.partition(" = ")[0]
        lines.append(f'{name} = "{ours[name]}"' if name in ours else line)
    path = layout.gateway_config.with_name("gateway-2.toml")
    path.write_text("\n".join(lines) + "\n")
    return Program(SECOND, GATEWAY, path, None), listen
