"""Options that several commands share, so that they read and behave the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document with stable keys.")]
Endpoint = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        "-e",
        metavar="HOST:PORT",
        help="Gateway to use. Default: QUORATE_ENDPOINT, else the local network's.",
    ),
]
Directory = Annotated[
    Path,
    typer.Option("--dir", metavar="PATH", help="Directory of the local network."),
]
Role = Annotated[
    str | None,
    typer.Option("--role", help="Only this role's process (networks made with --split)."),
]
KeysDir = Annotated[
    Path | None,
    typer.Option(
        "--keys", metavar="PATH", help="Key files. Default: QUORATE_KEYS, else ~/.quorate/keys."
    ),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", help="First of: this file, QUORATE_PASSWORD, a prompt."),
]
