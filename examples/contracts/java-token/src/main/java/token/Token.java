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

/**
 * A token of its own: balances, allowances, and an owner who may make more of it.
 *
 * <p>Its interface is that of token.py beside it, so tools and other contracts can't tell them
 * apart.
 */
@Contract
public class Token {
    String name;
    String symbol;
    byte decimals;
    Address owner;
    U64 supply;
    GlobalMap<Address, U64> balances;
    GlobalMap<Address, GlobalMap<Address, U64>> allowances;

    /** Tokens moved; minted ones come from the zero address, burned ones go there. */
    @Event
    record Transferred(Address source, Address to, U64 amount) {
    }

    /** A holder lets somebody take up to so much. */
    @Event
    record Approved(Address holder, Address spender, U64 amount) {
    }

    /** Somebody else may mint now; the zero address: nobody ever again. */
    @Event
    record OwnerChanged(Address old, Address to) {
    }

    Token(String name, String symbol, byte decimals, U64 supply) {
        require(!name.isEmpty() && !symbol.isEmpty(), "a token needs a name and a symbol");
        this.name = name;
        this.symbol = symbol;
        this.decimals = decimals;
        owner = caller();
        create(owner, supply);
    }

    /** Send tokens of one's own. */
    @Public
    void transfer(Address to, U64 amount) {
        move(caller(), to, amount);
    }

    /**
     * Let somebody take up to `amount`, if what they may take now is still `expected`.
     *
     * Without `expected`, a spender who sees a change coming could take the old amount first and
     * the new one after it.
     */
    @Public
    void approve(Address spender, U64 amount, U64 expected) {
        GlobalMap<Address, U64> allowed = allowances.get(caller());
        require(allowed.get(spender).equals(expected), "the allowance is another by now");
        allowed.set(spender, amount);
        emit(new Approved(caller(), spender, amount));
    }

    /** Send tokens of a holder who approved it. */
    @Public("transfer_from")
    void transferFrom(Address holder, Address to, U64 amount) {
        GlobalMap<Address, U64> allowed = allowances.get(holder);
        U64 left = allowed.get(caller());
        require(!left.isLessThan(amount), "more than the holder approved");
        allowed.set(caller(), left.minus(amount));
        move(holder, to, amount);
    }

    /** Make more; only the owner may. */
    @Public
    void mint(Address to, U64 amount) {
        checkOwner();
        create(to, amount);
    }

    /** Destroy tokens of one's own. */
    @Public
    void burn(U64 amount) {
        take(caller(), amount);
        supply = supply.minus(amount);
        emit(new Transferred(caller(), Address.ZERO, amount));
    }

    /** Hand over the right to mint; to the zero address: give it up for good. */
    @Public("change_owner")
    void changeOwner(Address to) {
        checkOwner();
        emit(new OwnerChanged(owner, to));
        owner = to;
    }

    /** Return what somebody holds. */
    @View("balance_of")
    U64 balanceOf(Address holder) {
        return balances.get(holder);
    }

    /** Return how much of a holder's tokens somebody may take. */
    @View
    U64 allowance(Address holder, Address spender) {
        return allowances.get(holder).get(spender);
    }

    private void checkOwner() {
        require(caller().equals(owner), "only the owner may");
    }

    private void create(Address to, U64 amount) {
        require(!to.isZero(), "nobody has that address");
        supply = supply.plus(amount);
        give(to, amount);
        emit(new Transferred(Address.ZERO, to, amount));
    }

    private void move(Address source, Address to, U64 amount) {
        require(!to.isZero(), "nobody has that address: burn tokens instead");
        take(source, amount);
        give(to, amount);
        emit(new Transferred(source, to, amount));
    }

    private void take(Address holder, U64 amount) {
        U64 balance = balances.get(holder);
        require(!balance.isLessThan(amount), "balance too small");
        balances.set(holder, balance.minus(amount));
    }

    private void give(Address holder, U64 amount) {
        balances.set(holder, balances.get(holder).plus(amount));
    }
}
