package token;

import static quorate.contract.Chain.caller;
import static quorate.contract.Chain.emit;
import static quorate.contract.Chain.require;

import quorate.contract.Address;
import quorate.contract.Contract;
import quorate.contract.Event;
import quorate.contract.GlobalMap;
import quorate.contract.Public;
import quorate.contract.U64;
import quorate.contract.View;

/** A token of its own: balances, allowances, and an owner who can mint. */
@Contract
public class Token {
    Address owner;
    U64 supply;
    GlobalMap<Address, U64> balances;
    GlobalMap<Address, GlobalMap<Address, U64>> allowances;

    /** Tokens have moved. */
    @Event
    record Transferred(Address sender, Address to, U64 amount) {
    }

    /** Somebody may spend another's tokens. */
    @Event
    record Approved(Address holder, Address spender, U64 amount) {
    }

    /** Whoever deploys it owns the token and the first supply. */
    Token(U64 supply) {
        owner = caller();
        mint(owner, supply);
    }

    /** Send tokens. */
    @Public
    void transfer(Address to, U64 amount) {
        move(caller(), to, amount);
    }

    /** Let somebody spend tokens of the caller. */
    @Public
    void approve(Address spender, U64 amount) {
        allowances.get(caller()).set(spender, amount);
        emit(new Approved(caller(), spender, amount));
    }

    /** Spend tokens that another has approved. */
    @Public
    void transfer_from(Address sender, Address to, U64 amount) {
        GlobalMap<Address, U64> allowed = allowances.get(sender);
        U64 left = allowed.get(caller());
        require(!left.isLessThan(amount), "not approved");
        allowed.set(caller(), left.minus(amount));
        move(sender, to, amount);
    }

    /** Make more; the owner only. */
    @Public
    void mint(Address to, U64 amount) {
        require(caller().equals(owner), "only the owner can mint");
        supply = supply.plus(amount);
        balances.set(to, balances.get(to).plus(amount));
        emit(new Transferred(Address.ZERO, to, amount));
    }

    /** What somebody has. */
    @View
    U64 balance_of(Address account) {
        return balances.get(account);
    }

    /** What a spender may still spend. */
    @View
    U64 allowance(Address holder, Address spender) {
        return allowances.get(holder).get(spender);
    }

    private void move(Address sender, Address to, U64 amount) {
        U64 balance = balances.get(sender);
        require(!balance.isLessThan(amount), "balance too small");
        balances.set(sender, balance.minus(amount));
        balances.set(to, balances.get(to).plus(amount));
        emit(new Transferred(sender, to, amount));
    }
}
