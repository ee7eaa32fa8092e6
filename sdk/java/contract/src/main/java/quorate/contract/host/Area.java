package quorate.contract.host;

import org.teavm.interop.Address;

/**
 * Where in linear memory values pass between the chain and the contract.
 *
 * <p>Java's own objects live elsewhere. The build gives the module at least {@link #END} bytes
 * of memory and has TeaVM's heap of direct buffers start there.
 */
public final class Area {
    /** Keys of records, names, and the first operand of a host call. */
    public static final int KEY = 1024;
    /** What is read: arguments, loaded values, results of calls. */
    public static final int READ = 4096;
    /** What is written: results, values to store, arguments of calls. */
    public static final int WRITE = READ + 65_536;
    /** The first byte that is not ours: three pages. */
    public static final int END = 196_608;

    private Area() {
    }

    static Address at(int offset) {
        return Address.fromInt(offset);
    }
}
