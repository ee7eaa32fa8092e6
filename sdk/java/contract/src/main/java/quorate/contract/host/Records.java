package quorate.contract.host;

import quorate.contract.Revert;

/** Loads and stores records: docs/contract-abi.md, section 3. */
final class Records {
    private static final int ABSENT = -1;

    private Records() {
    }

    /** The size of the record, whose value then stands in the read area; 0 if there is none. */
    static int fetch(Writer key) {
        int size = Host.load(key.at(), key.size(), Area.at(Area.READ), Area.WRITE - Area.READ);
        return size == ABSENT ? 0 : size;
    }

    static <T> T load(Writer key, Codec<T> codec) {
        int size = fetch(key);
        return size == 0 ? codec.zero() : decode(size, codec);
    }

    static <T> T decode(int size, Codec<T> codec) {
        Reader in = Reader.of(size, "malformed record");
        T value = codec.read(in);
        in.end();
        return value;
    }

    /** Stores what was written; a type's zero, which is zeros only, is no record. */
    static void store(Writer key, Writer value) {
        if (Glue.isView()) {
            throw new Revert("a view changes nothing");
        }
        int size = Memory.isZero(value.at(), value.size()) ? 0 : value.size();
        Host.store(key.at(), key.size(), value.at(), size);
    }
}
