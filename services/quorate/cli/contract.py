"""`quorate contract …`: write contracts, deploy them, call them, and see what they do."""

import typer

from quorate.cli import (
    contract_deeds,
    contract_dev,
    contract_events,
    contract_files,
    contract_receipt,
    contract_state,
    contract_trace,
    contract_trials,
)

app = typer.Typer(no_args_is_help=True, help="Contracts in typed Python, Java or any WebAssembly.")
app.command(short_help="Compile a contract.")(contract_files.build)
app.command(short_help="Rebuild, test and deploy at each change.")(contract_dev.dev)
app.command(short_help="Make a contract.")(contract_deeds.deploy)
app.command(short_help="Call a method.")(contract_deeds.call)
app.command(short_help="Ask a method that changes nothing.")(contract_trials.view)
app.command(short_help="Show a contract's variables.")(contract_state.state)
app.command(short_help="Show what changed between heights.")(contract_state.diff)
app.command(short_help="List events, or follow them.")(contract_events.events)
app.command(short_help="Show what a transaction's calls did.")(contract_receipt.receipt)
app.command(short_help="Tell what a call would do.")(contract_trials.simulate)
app.command(short_help="Show a call line by line.")(contract_trace.trace)
app.command(short_help="Show what is in a module or contract.")(contract_files.inspect)
app.command("list", short_help="List contracts.")(contract_events.list_)
