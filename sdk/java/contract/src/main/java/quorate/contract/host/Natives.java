package quorate.contract.host;

import quorate.contract.Address;
import quorate.contract.Revert;
import quorate.contract.U64;

/** What {@link quorate.contract.Chain} and {@link quorate.contract.Tokens} are made of. */
public final class Natives {
    private static final int DIGEST = 32;
    private static final int SIGNATURE = 64;

    private Natives() {
    }

    private static org.teavm.interop.Address read() {
        return Area.at(Area.READ);
    }

    private static Address address() {
        return Codec.ADDRESS.read(Reader.of(Address.SIZE, ""));
    }

    private static Writer key(Address... addresses) {
        Writer key = Writer.key();
        for (Address each : addresses) {
            Codec.ADDRESS.write(key, each);
        }
        return key;
    }

    /** Who called. */
    public static Address caller() {
        Host.caller(read());
        return address();
    }

    /** Who signed. */
    public static Address origin() {
        Host.origin(read());
        return address();
    }

    /** This contract. */
    public static Address self() {
        Host.self(read());
        return address();
    }

    /** What came with the call. */
    public static U64 value() {
        return U64.ofBits(Host.value());
    }

    /** The block's height. */
    public static long height() {
        return Host.height();
    }

    /** A native balance. */
    public static U64 balance(Address account) {
        return U64.ofBits(Host.balance(key(account).at()));
    }

    /** Sends native tokens. */
    public static void transfer(Address to, U64 amount) {
        changing();
        Host.transfer(key(to).at(), amount.bits());
    }

    /** SHA-256. */
    public static byte[] sha256(byte[] data) {
        Writer out = Writer.value();
        out.fixed(data);
        Host.sha256(out.at(), out.size(), read());
        return Reader.of(DIGEST, "").fixed(DIGEST);
    }

    /** An ed25519 signature check. */
    public static boolean verify(byte[] publicKey, byte[] signature, byte[] message) {
        if (publicKey.length != DIGEST || signature.length != SIGNATURE) {
            throw new Revert("a key has 32 bytes and a signature 64");
        }
        Writer key = Writer.key();
        key.fixed(publicKey);
        key.fixed(signature);
        Writer out = Writer.value();
        out.fixed(message);
        return Host.ed25519Verify(
                key.at(), key.at().add(DIGEST), out.at(), out.size()) == 1;
    }

    /** Makes a token. */
    public static Address tokenCreate(String symbol, String name, int decimals, U64[] amounts) {
        changing();
        Writer out = Writer.value();
        out.text(symbol);
        out.text(name);
        out.u8(decimals);
        out.i64(amounts[0].bits());
        out.i64(amounts[1].bits());
        out.u8(0);
        out.u8(0);
        Host.tokenCreate(out.at(), out.size(), read());
        return address();
    }

    /** Makes more of a token. */
    public static void tokenMint(Address token, Address to, U64 amount) {
        changing();
        Writer key = key(token, to);
        Host.tokenMint(key.at(), key.at().add(Address.SIZE), amount.bits());
    }

    /** Destroys tokens. */
    public static void tokenBurn(Address token, U64 amount) {
        changing();
        Host.tokenBurn(key(token).at(), amount.bits());
    }

    /** Sends tokens. */
    public static void tokenTransfer(Address token, Address to, U64 amount) {
        changing();
        Writer key = key(token, to);
        Host.tokenTransfer(key.at(), key.at().add(Address.SIZE), amount.bits());
    }

    /** A balance of a token. */
    public static U64 tokenBalance(Address token, Address account) {
        Writer key = key(token, account);
        return U64.ofBits(Host.tokenBalance(key.at(), key.at().add(Address.SIZE)));
    }

    private static void changing() {
        if (Glue.isView()) {
            throw new Revert("a view changes nothing");
        }
    }
}
