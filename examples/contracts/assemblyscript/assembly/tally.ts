// Counts what each account has added up, and the sum of all.

import { Arguments, caller, MapAddressU64, revert, Values, VariableU64 } from "./quorate";

// They are made in the call that needs them: a contract has no code that runs before a call.
function total_sum(): VariableU64 {
  return new VariableU64("total");
}

function counts(): MapAddressU64 {
  return new MapAddressU64("counts");
}

export function init(): void {
  const input = new Arguments();
  const start = input.u64();
  input.end();
  total_sum().set(start);
}

export function add(): void {
  const input = new Arguments();
  const amount = input.u64();
  input.end();
  if (amount == 0) revert("nothing to add");
  const who = caller();
  const sum = total_sum().get() + amount;
  if (sum < amount) revert("the sum is too large");
  total_sum().set(sum);
  // No count is above the sum, so this can't overflow.
  counts().set(who, counts().get(who) + amount);
  new Values().address(who).u64(amount).u64(sum).emit("Added");
}

export function reset(): void {
  new Arguments().end();
  const who = caller();
  total_sum().set(total_sum().get() - counts().get(who));
  counts().set(who, 0);
}

export function total(): void {
  new Arguments().end();
  new Values().u64(total_sum().get()).output();
}

export function count_of(): void {
  const input = new Arguments();
  const account = input.address();
  input.end();
  new Values().u64(counts().get(account)).output();
}
