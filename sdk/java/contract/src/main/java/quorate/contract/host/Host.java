package quorate.contract.host;

import org.teavm.interop.Address;
import org.teavm.interop.Import;

/** What the chain offers to a module, function by function: docs/contract-abi.md, section 4. */
public final class Host {
    private static final String MODULE = "quorate";

    private Host() {
    }

    @Import(module = MODULE, name = "input_size")
    static native int inputSize();

    @Import(module = MODULE, name = "input")
    static native void input(Address target);

    @Import(module = MODULE, name = "output")
    static native void output(Address data, int size);

    @Import(module = MODULE, name = "load")
    static native int load(Address key, int keySize, Address target, int room);

    @Import(module = MODULE, name = "store")
    static native void store(Address key, int keySize, Address data, int size);

    @Import(module = MODULE, name = "caller")
    static native void caller(Address target);

    @Import(module = MODULE, name = "origin")
    static native void origin(Address target);

    @Import(module = MODULE, name = "self")
    static native void self(Address target);

    @Import(module = MODULE, name = "value")
    static native long value();

    @Import(module = MODULE, name = "height")
    static native long height();

    /** The block's time, milliseconds since 1970; also what System.currentTimeMillis becomes. */
    @Import(module = MODULE, name = "time_ms")
    public static native long timeMs();

    @Import(module = MODULE, name = "balance")
    static native long balance(Address account);

    @Import(module = MODULE, name = "transfer")
    static native void transfer(Address to, long amount);

    @Import(module = MODULE, name = "token_create")
    static native void tokenCreate(Address spec, int size, Address target);

    @Import(module = MODULE, name = "token_mint")
    static native void tokenMint(Address token, Address to, long amount);

    @Import(module = MODULE, name = "token_burn")
    static native void tokenBurn(Address token, long amount);

    @Import(module = MODULE, name = "token_transfer")
    static native void tokenTransfer(Address token, Address to, long amount);

    @Import(module = MODULE, name = "token_balance")
    static native long tokenBalance(Address token, Address account);

    @Import(module = MODULE, name = "emit")
    static native void emit(Address name, int nameSize, Address data, int size);

    @Import(module = MODULE, name = "call")
    static native int call(
            Address contract, Address method, int methodSize, Address data, int size,
            long value, long fuel);

    @Import(module = MODULE, name = "returned")
    static native void returned(Address target);

    @Import(module = MODULE, name = "sha256")
    static native void sha256(Address data, int size, Address target);

    @Import(module = MODULE, name = "ed25519_verify")
    static native int ed25519Verify(Address key, Address signature, Address data, int size);

    @Import(module = MODULE, name = "revert")
    static native void revert(Address text, int size, int line);
}
