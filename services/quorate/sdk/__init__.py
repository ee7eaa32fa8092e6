"""The SDK: keys, transactions and an asynchronous client for Quorate gateways."""

from quorate.core.values import format_address, parse_address
from quorate.sdk.client import Client
from quorate.sdk.contract_sending import ContractFailed
from quorate.sdk.contracts import Contract, deploy
from quorate.sdk.fees import (
    Blocker,
    Explanation,
    FeeEstimate,
    Position,
    Queue,
    Remedy,
    Simulation,
)
from quorate.sdk.keyfile import Cost, decrypt_key, encrypt_key, load_key, save_key
from quorate.sdk.keys import Key, generate_phrase
from quorate.sdk.payloads import (
    SeatProof,
    SeatReady,
    Terms,
    build_ready,
    build_register,
    build_rotate,
    build_transfers,
)
from quorate.sdk.sender import Lanes, Sender, set_fee, sign_with_fee
from quorate.sdk.sending import Follower, drive, send_and_wait
from quorate.sdk.stake_values import (
    Candidate,
    Candidates,
    Chances,
    Delegation,
    Delegations,
    Economy,
    Obstacle,
)
from quorate.sdk.transactions import (
    Options,
    Signed,
    compute_weight_max,
    encode_unsigned,
    sign_payloads,
)
from quorate.sdk.values import (
    Account,
    Block,
    Executed,
    Outcome,
    Receipt,
    Rejection,
    Seat,
    SeatSet,
    Stage,
    Staged,
    Status,
    Update,
    Validator,
)
from quorate.sdk.watching import Cursor, Watch

__all__ = [
    "Account", "Block", "Blocker", "Candidate", "Candidates", "Chances", "Client", "Contract",
    "ContractFailed", "Cost", "Cursor", "Delegation", "Delegations", "Economy", "Executed",
    "Explanation", "FeeEstimate", "Follower", "Key", "Lanes", "Obstacle", "Options", "Outcome",
    "Position", "Queue", "Receipt", "Rejection", "Remedy", "Seat", "SeatProof", "SeatReady",
    "SeatSet", "Sender", "Signed", "Simulation", "Stage", "Staged", "Status", "Terms", "Update",
    "Validator", "Watch", "build_ready", "build_register", "build_rotate", "build_transfers",
    "compute_weight_max", "decrypt_key", "deploy", "drive", "encode_unsigned", "encrypt_key",
    "format_address", "generate_phrase", "load_key", "parse_address", "save_key", "send_and_wait",
    "set_fee", "sign_payloads", "sign_with_fee",
]  # fmt: skip
