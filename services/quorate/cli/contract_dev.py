"""`quorate contract dev`: at each change of a source build, test, deploy here, show variables."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from quorate.cli import contract_book, contract_building, options, output, session, wallet
from quorate.cli.acting import TIMEOUT_S, From, Way
from quorate.cli.contract_building import Artifact
from quorate.cli.contract_deeds import Texts
from quorate.cli.contract_faces import CONSTRUCTOR, Face, Faces
from quorate.cli.contract_names import Names
from quorate.cli.contract_panels import describe_state, print_state
from quorate.cli.contract_sending import carry_out, fit
from quorate.core.contracts.payloads import DeployContract
from quorate.core.errors import NotFound, QuorateError, Rejected
from quorate.core.values import format_address
from quorate.devnet import author
from quorate.devnet.author import AuthorTests, Tested
from quorate.kit import faults
from quorate.sdk.client import Client
from quorate.sdk.contract_messages import StatePage
from quorate.sdk.keys import Key
from quorate.sdk.values import Outcome

_SHOWN: Final = 20


@dataclass(slots=True)
class Round:
    """What one change came to; `error` is of the step that ended it."""

    artifact: Artifact | None = None
    tests: Tested | None = None
    face: Face | None = None
    state: StatePage | None = None
    error: QuorateError | None = None
    took_ms: dict[str, float] = field(default_factory=dict)


def dev(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A contract in typed Python.")],
    arguments: Texts = None,
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Its name. Default: the file's.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Do it once, and end.")] = False,
    sender: From = "demo",
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate contract dev token.py 1_000_000**

    Whenever FILE or tests/test_FILE.py beside it changes: build it, run the tests under plain
    Python, deploy it anew to the local network with these constructor arguments, and show its
    variables. Errors stay on the screen until the next change. Ctrl-C ends it; without a network it
    builds and tests. With --json one document per round.
    """
    way = Way(
        sender=sender, timeout_s=TIMEOUT_S, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=True,
    )  # fmt: skip
    loop = _Loop(file, arguments or [], name or file.stem, way)
    show = _print_json if as_json else _print_round
    try:
        session.find_endpoint(endpoint)
    except NotFound as error:
        output.err.print(f"{error.message}; until then it is built and tested only")
        asyncio.run(loop.run(None, show, once=once))
        return
    loop.key = wallet.open_key(wallet.find_directory(keys_dir), sender, password_file)
    session.run(endpoint, lambda client: loop.run(client, show, once=once))


class _Loop:
    def __init__(self, file: Path, arguments: list[str], name: str, way: Way) -> None:
        self._file, self._arguments, self._name, self._way = file, arguments, name, way
        self.key: Key | None = None
        self._deployed: Artifact | None = None
        self._face: Face | None = None

    async def run(self, client: Client | None, show: "_Show", *, once: bool) -> None:
        """Do a round now and at each change; `once`: only now, exiting with its error's code."""
        paths = [self._file, author.find_tests(self._file)]
        seen = author.look(paths)
        async with AuthorTests(self._file, colour=output.out.is_terminal) as tests:
            while True:
                found = await self._run_round(client, tests)
                show(self._name, found)
                if once:
                    break
                seen = await author.wait_changed(paths, seen)
        if found.error is not None:
            raise typer.Exit(faults.find_exit_code(found.error))

    async def _run_round(self, client: Client | None, tests: AuthorTests) -> Round:
        found, started_s = Round(), time.perf_counter()
        try:
            await self._carry_on(client, tests, found)
        except QuorateError as error:
            found.error = error
        found.took_ms["all"] = (time.perf_counter() - started_s) * 1_000
        return found

    async def _carry_on(self, client: Client | None, tests: AuthorTests, found: Round) -> None:
        artifact = contract_building.build_source(self._file)
        found.artifact = artifact
        found.took_ms["build"] = artifact.seconds * 1_000
        found.tests = tested = await tests.run()
        found.took_ms["tests"] = tested.seconds * 1_000
        if tested.passed is False:
            raise Rejected("its tests fail; it was not deployed", reason="TESTS_FAILED")
        if client is None:
            return
        started_s = time.perf_counter()
        if self._face is None or not _is_same(artifact, self._deployed):
            self._face = await self._deploy(client, artifact)
            self._deployed = artifact
            found.took_ms["deploy"] = (time.perf_counter() - started_s) * 1_000
        found.face = self._face
        found.state = await client.contracts.state(self._face.address, page_size=_SHOWN)

    async def _deploy(self, client: Client, artifact: Artifact) -> Face:
        assert self.key is not None, "there is one wherever there is a client"
        names = Names(self._way.keys_dir)
        face = Face(b"", artifact.parse(), names)
        data = face.encode_arguments(CONSTRUCTOR, self._arguments)
        payload = DeployContract(
            b"", artifact.code, artifact.interface, artifact.profile, False, data, 0, 0
        )
        faces = Faces(client, names)
        prepared = await fit(client, self.key.address, payload, faces)
        deed = await carry_out(client, self._way, self.key, prepared, faces)
        if deed.receipt.outcome is not Outcome.SUCCEEDED:
            raise Rejected(
                f"deploying it failed: {deed.receipt.reason}", reason=deed.receipt.reason
            )
        address = deed.detail.calls[0].contract
        contract_book.save(self._name, address)
        return face._replace(address=address)


_Show = Callable[[str, Round], None]


def _is_same(artifact: Artifact, other: Artifact | None) -> bool:
    return other is not None and artifact._replace(seconds=0.0) == other._replace(seconds=0.0)


def _print_round(name: str, found: Round) -> None:
    if output.out.is_terminal:
        output.out.clear()
    if found.tests is not None and found.tests.output and found.tests.passed is not True:
        output.out.print(Text.from_ansi(found.tests.output))
    if found.error is not None:
        output.print_error(found.error, as_json=False)
    if found.state is not None and found.face is not None:
        print_state(found.face, found.state.records)
        if found.state.more:
            output.out.print(f"… `quorate contract state {name}` shows them all", style="dim")
    output.err.print(_summarise(name, found))


def _summarise(name: str, found: Round) -> Text:
    line = Text(time.strftime("%H:%M:%S  "), style="dim")
    for step, milliseconds in found.took_ms.items():
        is_all = step == "all"
        line.append("in all " if is_all else f"{step} ", style="default" if is_all else "green")
        line.append(f"{milliseconds:,.0f} ms{'' if is_all else ' · '}", style="default")
    if found.face is not None:
        line.append(f"  {name} = {format_address(found.face.address)}", style="dim")
    return line


def _print_json(name: str, found: Round) -> None:
    error, tests = found.error, found.tests
    document: dict[str, Any] = {
        "name": name,
        "size_bytes": len(found.artifact.code) if found.artifact is not None else None,
        "tests": None if tests is None else {"passed": tests.passed, "output": tests.output},
        "contract": format_address(found.face.address) if found.face is not None else None,
        "state": None,
        "error": None,
        "milliseconds": {step: round(each, 1) for step, each in found.took_ms.items()},
    }
    if error is not None:
        document["error"] = {"reason": error.reason, "message": error.message}
    if found.state is not None and found.face is not None:
        document["state"] = describe_state(found.face, found.state.records)
    output.print_json(document)
