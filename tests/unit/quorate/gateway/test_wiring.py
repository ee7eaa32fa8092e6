"""A gateway as a process sees it: TLS, health, reflection, bad configuration."""

import asyncio
import datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from quorate.api.network.v1 import network_pb2
from quorate.core.errors import RefusedToStart
from quorate.gateway import wiring
from quorate.kit.config import GatewayConfig, ValidatorAddress

LIMIT_S = 60


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a self-signed certificate for this machine; returns (certificate, key)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "tls.pem", folder / "tls.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


async def test_tls_serves_who_trusts_the_certificate_only(
    build_network: Any, tmp_path: Path
) -> None:
    certificate, key = write_certificate(tmp_path)
    network = await build_network(
        seats=1, listen="localhost:0", tls_certificate=certificate, tls_key=key
    )
    target = f"localhost:{network.gateway.port}"
    credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
    request = network_pb2.StatusRequest()
    async with grpc.aio.secure_channel(target, credentials) as channel:
        call = channel.unary_unary(
            "/quorate.api.network.v1.NetworkService/Status",
            request_serializer=network_pb2.StatusRequest.SerializeToString,
            response_deserializer=network_pb2.StatusResponse.FromString,
        )
        assert (await call(request, timeout=LIMIT_S)).chain_id == network.genesis.chain_id
    async with grpc.aio.insecure_channel(target) as channel:
        call = channel.unary_unary("/quorate.api.network.v1.NetworkService/Status")
        with pytest.raises(grpc.aio.AioRpcError):
            await call(b"", timeout=2)


async def test_health_follows_the_validators(build_network: Any) -> None:
    network = await build_network(seats=1)
    stub = health_pb2_grpc.HealthStub(network.open().channel)
    watch = stub.Watch(health_pb2.HealthCheckRequest(service=wiring.SERVICES[0]))
    states = health_pb2.HealthCheckResponse
    async with asyncio.timeout(LIMIT_S):
        while (await watch.read()).status != states.SERVING:
            pass
        await network.nodes[0].kill()
        assert (await watch.read()).status == states.NOT_SERVING
        await network.nodes[0].start()
        assert (await watch.read()).status == states.SERVING


async def test_reflection_lists_the_public_services(build_network: Any) -> None:
    network = await build_network(seats=1)
    stub = reflection_pb2_grpc.ServerReflectionStub(network.open().channel)
    call = stub.ServerReflectionInfo()
    await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    answer = await call.read()
    listed = {service.name for service in answer.list_services_response.service}
    assert {*wiring.SERVICES, "grpc.health.v1.Health"} <= listed


async def test_it_serves_before_its_validators_and_finds_them_later(build_network: Any) -> None:
    network = await build_network(seats=4)
    for node in network.nodes:
        await node.kill()
    for node in network.nodes:
        await node.start()
    client = network.open()
    async with asyncio.timeout(LIMIT_S):
        stub = health_pb2_grpc.HealthStub(client.channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest())
        while (await watch.read()).status != health_pb2.HealthCheckResponse.SERVING:
            pass


@pytest.mark.parametrize("names", [[], ["a", "a"]])
async def test_validators_need_distinct_names(
    build_network: Any, tmp_path: Path, names: list[str]
) -> None:
    network = await build_network(seats=1)
    validators = [ValidatorAddress(name=name, gossip="x:1", storage="x:1") for name in names]
    with pytest.raises(RefusedToStart):
        await wiring.start(
            GatewayConfig(genesis=network.home / "genesis.json", validators=validators)
        )


async def test_a_missing_genesis_refuses_to_start(tmp_path: Path) -> None:
    validators = [ValidatorAddress(name="a", gossip="x:1", storage="x:1")]
    with pytest.raises(RefusedToStart):
        await wiring.start(GatewayConfig(genesis=tmp_path / "none", validators=validators))


async def test_half_a_tls_pair_refuses_to_start(build_network: Any, tmp_path: Path) -> None:
    network = await build_network(seats=1)
    validators = [ValidatorAddress(name="a", gossip="x:1", storage="x:1")]
    config = GatewayConfig(
        genesis=network.home / "genesis.json", validators=validators, tls_key=tmp_path / "x"
    )
    with pytest.raises(RefusedToStart):
        await wiring.start(config)
