package quorate.contract.host;

import org.teavm.interop.Address;
import quorate.contract.Revert;

/** Lays values out in one of the areas: docs/contract-abi.md, section 2. */
public final class Writer {
    private final int start;
    private final int limit;
    private int position;

    private Writer(int start, int limit) {
        this.start = start;
        this.limit = limit;
        position = start;
    }

    /** For a result, a value to store, or arguments. */
    public static Writer value() {
        return new Writer(Area.WRITE, Area.END);
    }

    /** For the key of a record or a name. */
    static Writer key() {
        return new Writer(Area.KEY, Area.READ);
    }

    Address at() {
        return Area.at(start);
    }

    int size() {
        return position - start;
    }

    private Address give(int size) {
        if (size > limit - position) {
            throw new Revert("a value or key is too long");
        }
        Address at = Area.at(position);
        position += size;
        return at;
    }

    void u8(int value) {
        give(1).putByte((byte) value);
    }

    void u32(int value) {
        give(4).putInt(value);
    }

    void i64(long value) {
        give(8).putLong(value);
    }

    void fixed(byte[] bytes) {
        Memory.write(give(bytes.length), bytes);
    }

    void text(String text) {
        int size = Utf8.size(text);
        u32(size);
        Utf8.write(give(size), text);
    }

    /** The text without its length. */
    void bare(String text) {
        Utf8.write(give(Utf8.size(text)), text);
    }
}
