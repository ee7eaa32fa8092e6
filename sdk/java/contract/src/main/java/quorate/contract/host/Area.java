package quorate.contract.host;

import org.teavm.interop.Address;

/**
 * Where in linear memory values pass between the chain and the contract: all within one page.
 *
 * <p>Java's own objects live elsewhere. The build has TeaVM's heap of direct buffers start at
 * {@link #END}. A value or a result is at most 16,384 bytes, a key 256.
 */
public final class Area {
    /** Keys of records, names, and the first operand of a host call. */
    public static final int KEY = 1024;
    /** What is read: arguments, loaded values, results of calls. */
    public static final int READ = 2048;
    /** What is written: results, values to store, arguments of calls. */
    public static final int WRITE = READ + 43_008;
    /** The first byte that is not ours. */
    public static final int END = WRITE + 19_968;

    private Area() {
    }

    static Address at(int offset) {
        return Address.fromInt(offset);
    }
}
