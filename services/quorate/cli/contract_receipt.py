"""`quorate contract receipt`: what the contract payloads of an executed transaction did."""

from typing import Annotated

import typer
from rich.text import Text

from quorate.cli import life, options, output, session
from quorate.cli.contract_faces import Faces
from quorate.cli.contract_names import Names
from quorate.cli.contract_panels import describe_failure, failure_document, print_events
from quorate.cli.contract_sending import describe_call, describe_outcome, list_contracts
from quorate.cli.contract_words import clean
from quorate.sdk.client import Client
from quorate.sdk.contract_messages import Detail
from quorate.sdk.values import Receipt


def receipt(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Transaction id, 64 hex digits.")],
    keys_dir: options.KeysDir = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate contract receipt ID**

    Show what the contract payloads of an executed transaction did: results, fuel and events; or
    why they failed, in which method, at which line of its source.
    """
    wanted, names = output.parse_id(id_), Names(keys_dir)

    async def work(client: Client) -> tuple[Faces, Receipt, Detail]:
        found = await client.receipt(wanted)
        detail, faces = await client.contracts.detail(wanted), Faces(client, names)
        await faces.load_all(list_contracts(detail))
        return faces, found, detail

    faces, found, detail = session.run(endpoint, work)
    if as_json:
        document = {
            **life.receipt_document(found),
            "fuel": detail.fuel,
            "failure": failure_document(detail.failure),
            "calls": [describe_call(faces, each) for each in detail.calls],
        }
        output.print_json(document)
        return
    rows: list[tuple[str, object]] = [("outcome", describe_outcome(found))]
    if detail.failure is not None:
        rows.append(("failed", Text(describe_failure(faces, detail.failure), style="red")))
    for call in detail.calls:
        face = faces.find(call.contract)
        result = face.read_result(call.method, call.result)[0]
        told = f" → {result}" if result else ""
        rows.append(("call", Text(f"{face.title}.{clean(call.method)}{told}, fuel {call.fuel:,}")))
    rows.append(("fee", output.format_amount(found.fee)))
    output.print_fields(rows)
    events = [event for call in detail.calls for event in call.events]
    if events:
        output.out.print()
        print_events(faces, events)
