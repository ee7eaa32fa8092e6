"""Delegated proof of stake: candidates, delegations, rewards, slashing, election."""
