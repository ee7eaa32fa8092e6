package quorate.contract.host;

import org.teavm.interop.Address;
import quorate.contract.Revert;

/** Takes values off the read area, strictly: docs/contract-abi.md, section 2. */
public final class Reader {
    private int position;
    private final int end;

    private final String fault;

    private Reader(int size, String fault) {
        position = Area.READ;
        end = Area.READ + size;
        this.fault = fault;
        if (size > Area.WRITE - Area.READ) {
            throw malformed();
        }
    }

    /** Of so many bytes; what is wrong with them reverts with this text. */
    static Reader of(int size, String fault) {
        return new Reader(size, fault);
    }

    Revert malformed() {
        return new Revert(fault);
    }

    /** Reverts if something is left. */
    public void end() {
        if (position != end) {
            throw malformed();
        }
    }

    private Address take(int size) {
        if (size < 0 || size > end - position) {
            throw malformed();
        }
        Address at = Area.at(position);
        position += size;
        return at;
    }

    int u8() {
        return take(1).getByte() & 255;
    }

    long u32() {
        return take(4).getInt() & 0xffff_ffffL;
    }

    long i64() {
        return take(8).getLong();
    }

    byte[] fixed(int size) {
        return Memory.copy(take(size), size);
    }

    /** A length, or a count of items: each takes at least a byte. */
    int length() {
        long length = u32();
        if (length > end - position) {
            throw malformed();
        }
        return (int) length;
    }

    String text() {
        int size = length();
        Address at = take(size);
        return Utf8.read(at, size);
    }
}
