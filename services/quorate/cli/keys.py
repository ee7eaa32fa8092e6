"""`quorate keys …`: encrypted key files and recovery phrases."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from quorate.cli import candidate, options, output, wallet
from quorate.core.errors import InvalidInput, MalformedBytes
from quorate.core.values import format_address
from quorate.sdk.keys import Key, generate_phrase

app = typer.Typer(no_args_is_help=True, help="Account keys in encrypted files; a node's keys.")
app.command(short_help="Make a node's keys and its part of a genesis.")(candidate.candidate)

Name = Annotated[str, typer.Argument(help="What to call the key.")]


@app.command(short_help="Make a key; shows its recovery phrase once.")
def new(
    name: Name,
    words: Annotated[int, typer.Option("--words", help="12, 15, 18, 21 or 24.")] = 24,
    directory: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """**quorate keys new alice**

    Make a key, keep it in an encrypted file, and show its recovery phrase this one time: whoever
    has the words has the account, and nothing else can bring it back.
    """
    place = wallet.find_directory(directory)
    wallet.check_free(place, name)
    phrase = generate_phrase(words)
    key = Key.from_phrase(phrase)
    password = wallet.read_password(password_file, "New password", confirm=True)
    path = wallet.store(place, name, key, password)
    if as_json:
        output.print_json({**_describe(name, key.address_text, path), "phrase": phrase})
        return
    output.err.print("Recovery phrase, shown only now. Write it down:\n")
    listed = phrase.split()
    for start in range(0, len(listed), 6):
        row = enumerate(listed[start : start + 6], start + 1)
        output.err.print("  " + "".join(f"{number:>3} {word:<10}" for number, word in row))
    output.err.print(f"\nKey file: {path}")
    output.out.print(key.address_text)


@app.command(short_help="Show one key's address, or all.")
def show(
    name: Annotated[str | None, typer.Argument(help="Default: all keys.")] = None,
    directory: options.KeysDir = None,
    as_json: options.Json = False,
) -> None:
    """**quorate keys show --json**

    Show names and addresses. Needs no password and never shows a secret.
    """
    place = wallet.find_directory(directory)
    if name is not None:
        address = format_address(wallet.resolve(place, name))
        found = [(name, address)]
    else:
        found = wallet.list_keys(place)
    if as_json:
        output.print_json({"keys": [_describe(n, a, place / f"{n}.json") for n, a in found]})
        return
    for each, address in found:
        output.out.print(f"{each:<12}  {address}" if name is None else address)
    if not found:
        output.err.print(f"no keys in {place}: make one with `quorate keys new NAME`")


@app.command("import", short_help="Keep a seed (64 hex digits) as a key.")
def import_(
    name: Name,
    seed_file: Annotated[
        Path | None, typer.Option("--seed-file", help="Default: standard input or a prompt.")
    ] = None,
    directory: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """**quorate keys import alice --seed-file seed.hex**

    Keep an ed25519 seed of 64 hex digits in an encrypted file. It has no recovery phrase.
    """
    place = wallet.find_directory(directory)
    wallet.check_free(place, name)
    text = seed_file.read_text() if seed_file is not None else _read_secret("Seed")
    try:
        key = Key(bytes.fromhex(text.strip()))
    except ValueError as error:
        raise MalformedBytes("a seed", "it must be 64 hex digits") from error
    _keep(place, name, key, password_file, as_json=as_json)


@app.command(short_help="Make a key file from a recovery phrase.")
def recover(
    name: Name,
    index: Annotated[int, typer.Option("--index", min=0, help="Account of the phrase.")] = 0,
    directory: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """**quorate keys recover alice < phrase.txt**

    Make the key file again from the words of its recovery phrase.
    """
    place = wallet.find_directory(directory)
    wallet.check_free(place, name)
    key = Key.from_phrase(_read_secret("Recovery phrase"), index=index)
    _keep(place, name, key, password_file, as_json=as_json)


def _keep(place: Path, name: str, key: Key, password_file: Path | None, *, as_json: bool) -> None:
    password = wallet.read_password(password_file, "New password", confirm=True)
    path = wallet.store(place, name, key, password)
    if as_json:
        output.print_json(_describe(name, key.address_text, path))
        return
    output.err.print(f"Key file: {path}")
    output.out.print(key.address_text)


def _read_secret(prompt: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.read()
    answer: str = typer.prompt(prompt, hide_input=True, err=True)
    if not answer.strip():
        raise InvalidInput("nothing was given", reason="NO_INPUT")
    return answer


def _describe(name: str, address: str, path: Path) -> dict[str, str]:
    return {"name": name, "address": address, "path": str(path)}
