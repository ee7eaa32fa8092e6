//! Counts what each account has added up, and the sum of all.

const quorate = @import("quorate.zig");

const total_sum = quorate.Variable("total", u64);
const counts = quorate.Map("counts", quorate.Address, u64);

const Added = struct { who: quorate.Address, amount: u64, total: u64 };

export fn init() void {
    const start = quorate.arguments(struct { start: u64 }).start;
    total_sum.set(start);
}

export fn add() void {
    const amount = quorate.arguments(struct { amount: u64 }).amount;
    if (amount == 0) quorate.revert("nothing to add", @src().line);
    const who = quorate.caller();
    const sum, const overflow = @addWithOverflow(total_sum.get(), amount);
    if (overflow != 0) quorate.revert("the sum is too large", @src().line);
    total_sum.set(sum);
    // No count is above the sum, so this can't overflow.
    counts.set(who, counts.get(who) + amount);
    quorate.emit("Added", Added{ .who = who, .amount = amount, .total = sum });
}

export fn reset() void {
    _ = quorate.arguments(struct {});
    const who = quorate.caller();
    total_sum.set(total_sum.get() - counts.get(who));
    counts.set(who, 0);
}

export fn total() void {
    _ = quorate.arguments(struct {});
    quorate.output(total_sum.get());
}

export fn count_of() void {
    const account = quorate.arguments(struct { account: quorate.Address }).account;
    quorate.output(counts.get(account));
}
