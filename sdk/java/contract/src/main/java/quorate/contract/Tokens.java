package quorate.contract;

import quorate.contract.host.Natives;

/** Native tokens, which everybody's wallet shows, made and moved by a contract. */
public final class Tokens {
    private Tokens() {
    }

    /** Makes a token that the contract owns; it holds the whole supply. Returns the token's id. */
    public static Address create(String symbol, String name, int decimals, U64 cap, U64 supply) {
        return Natives.tokenCreate(symbol, name, decimals, new U64[] {cap, supply});
    }

    /** Makes more of a token that the contract owns. */
    public static void mint(Address token, Address to, U64 amount) {
        Natives.tokenMint(token, to, amount);
    }

    /** Destroys what the contract holds. */
    public static void burn(Address token, U64 amount) {
        Natives.tokenBurn(token, amount);
    }

    /** Sends tokens from the contract. */
    public static void transfer(Address token, Address to, U64 amount) {
        Natives.tokenTransfer(token, to, amount);
    }

    /** What somebody holds. */
    public static U64 balance(Address token, Address account) {
        return Natives.tokenBalance(token, account);
    }
}
