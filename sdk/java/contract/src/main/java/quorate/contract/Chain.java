package quorate.contract;

import quorate.contract.host.Glue;
import quorate.contract.host.Host;
import quorate.contract.host.Natives;

/** What a contract can ask of the chain, and do there. What can't be done ends the transaction. */
public final class Chain {
    private Chain() {
    }

    /** Who called: an account, or a contract. */
    public static Address caller() {
        return Natives.caller();
    }

    /** Who signed the transaction; never a contract. */
    public static Address origin() {
        return Natives.origin();
    }

    /** This contract. */
    public static Address self() {
        return Natives.self();
    }

    /** The native tokens that came with the call; the contract has them already. */
    public static U64 value() {
        return Natives.value();
    }

    /** The height of the block. */
    public static long height() {
        return Natives.height();
    }

    /** The block's time, milliseconds since 1970; System.currentTimeMillis() is the same. */
    public static long timeMs() {
        return Host.timeMs();
    }

    /** What an account has of the native token. */
    public static U64 balance(Address account) {
        return Natives.balance(account);
    }

    /** Sends native tokens from the contract. */
    public static void transfer(Address to, U64 amount) {
        Natives.transfer(to, amount);
    }

    /** Emits an event: a record that is marked {@link Event}. */
    public static void emit(Record event) {
        Glue.emit(event);
    }

    /** Reverts with the text unless the condition holds. */
    public static void require(boolean condition, String text) {
        if (!condition) {
            throw new Revert(text);
        }
    }

    /** SHA-256: 32 bytes. */
    public static byte[] sha256(byte[] data) {
        return Natives.sha256(data);
    }

    /** Whether an ed25519 signature (64 bytes) is the key's (32 bytes) over the message. */
    public static boolean verify(byte[] publicKey, byte[] signature, byte[] message) {
        return Natives.verify(publicKey, signature, message);
    }
}
