package quorate.contract.host;

import org.teavm.interop.Address;
import quorate.contract.Revert;

/** Takes values off the read area, strictly: docs/contract-abi.md, section 2. */
public final class Reader {
    private int position;
    private final int end;

    private Reader(int size) {
        position = Area.READ;
        end = Area.READ + size;
    }

    static Reader of(int size) {
        if (size > Area.WRITE - Area.READ) {
            throw new Revert("more than 65536 bytes to read");
        }
        return new Reader(size);
    }

    /** Reverts if something is left. */
    public void end() {
        if (position != end) {
            throw new Revert("input is too long");
        }
    }

    private Address take(int size) {
        if (size < 0 || size > end - position) {
            throw new Revert("input is too short");
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
            throw new Revert("input is too short");
        }
        return (int) length;
    }

    String text() {
        int size = length();
        Address at = take(size);
        return Utf8.read(at, size);
    }
}
