"""The `quorate` command line: parses, runs, and turns errors into messages and exit codes."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from quorate.cli import (
    audit,
    candidates,
    contract,
    devnet,
    genesis,
    gov,
    keys,
    load,
    lock,
    output,
    reads,
    receipt,
    stake,
    token,
    tx,
)
from quorate.core.errors import InvalidInput, QuorateError
from quorate.kit import faults

_EXIT_INTERRUPTED: Final = 130
# What a person waited for in vain: the network answers, but not with that.
_TIMEOUTS: Final = ("NO_RECEIPT", "WATCH_TIMEOUT", "NOT_READY", "NOT_CLAIMED_YET")
# Typer carries its own copy of click, under a private name that has changed; this one is its base.
_ClickException: Final[Any] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)
_HELP: Final = """**quorate devnet run** starts a network of four validators here and now.

Quorate: signed transactions over gRPC, final within one view.

Data goes to stdout, progress to stderr. Reads take --json: one document with stable keys, and on
failure {"error": {"reason", "message", "fields"}}.
"""
_EPILOG: Final = (
    "Exit codes: 0 done · 1 failed · 2 bad input or usage · 3 not found · 4 refused in the present "
    "state · 5 unreachable or overloaded · 6 timed out · 7 an audit found a conflict · "
    "130 interrupted. NO_COLOR turns colours off."
)

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
    help=_HELP,
    epilog=_EPILOG,
)
app.add_typer(devnet.app, name="devnet")
app.add_typer(genesis.app, name="genesis")
app.add_typer(keys.app, name="keys")
app.add_typer(tx.app, name="tx")
app.add_typer(candidates.app, name="candidate")
app.add_typer(stake.app, name="stake")
app.add_typer(receipt.app, name="receipt")
app.add_typer(token.app, name="token")
app.add_typer(contract.app, name="contract")
app.add_typer(lock.app, name="lock")
app.add_typer(gov.app, name="gov")
app.command(short_help="Show an account.")(reads.account)
app.command(short_help="Show a block, or the latest ones.")(reads.block)
app.command(short_help="Show the seats of an epoch.")(reads.seats)
app.command(short_help="Show the running epoch, supply, and spread of seats.")(reads.epoch)
app.command(short_help="Show the chain and its validators.")(reads.status)
app.command(short_help="Show an epoch's seats, and who lied.")(reads.seats)
app.command(short_help="Get tokens of the local network.")(reads.faucet)
app.command(short_help="Look for conflicting votes in vote logs.")(audit.audit)
app.command(short_help="Send transfers at a rate and measure.")(load.load)


@app.command(short_help="Serve a role of a node, or a gateway.")
def serve(
    role: Annotated[
        str, typer.Argument(help="contracts, storage, gossip, consensus, gateway or all.")
    ],
    config: Annotated[
        Path, typer.Option("--config", "-c", help="node.toml, or gateway.toml for a gateway.")
    ],
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="Stop when standard input closes.")
    ] = False,
) -> None:
    """**quorate serve all --config node.toml**

    Serve one role of a node, all of them in one process, or a gateway. SIGTERM and SIGINT stop it
    cleanly: it stops voting, flushes and closes the database. Logs go to stderr.
    """
    from quorate.cli import serving

    if role not in serving.ROLES:
        known = ", ".join(serving.ROLES)
        raise InvalidInput(f"'{role}' is no role; there are {known}", reason="NO_ROLE")
    serving.serve(role, config, with_parent=with_parent)


def main() -> None:
    """Run the command line and exit with the code of docs in --help."""
    as_json = "--json" in sys.argv
    try:
        code = app(standalone_mode=False)
    except QuorateError as error:
        output.print_error(error, as_json=as_json)
        is_late = error.reason in _TIMEOUTS
        code = faults.EXIT_TIMEOUT if is_late else faults.find_exit_code(error)
    except _ClickException as error:
        code = _fail_usage(error, as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        code = _EXIT_INTERRUPTED
    except BrokenPipeError:
        output.leave_quietly()
        code = faults.EXIT_OK
    sys.exit(code or faults.EXIT_OK)


def _fail_usage(error: Any, *, as_json: bool) -> int:
    if as_json:
        output.print_error(InvalidInput(error.format_message(), reason="USAGE"), as_json=True)
    else:
        error.show()
    return faults.EXIT_USAGE


if __name__ == "__main__":
    main()
