package quorate.contract.host;

import quorate.contract.Revert;

/** A field of the contract: loaded when it is first read, stored after the call if it changed. */
public final class Variable<T> {
    private static final byte[] UNKNOWN = new byte[0];

    private final String name;
    private final Codec<T> codec;
    private boolean isLoaded;
    /** What the chain has; a type's zero, which is no record, stands here as its bytes. */
    private byte[] before = UNKNOWN;

    /** The variable of a name. */
    public Variable(String name, Codec<T> codec) {
        this.name = name;
        this.codec = codec;
    }

    private Writer key() {
        Writer key = Writer.key();
        key.u8(Utf8.size(name));
        key.bare(name);
        return key;
    }

    /** Whether the field holds the value, and not only the chain. */
    public boolean isLoaded() {
        return isLoaded;
    }

    /** What the chain has. */
    public T load() {
        int size = Records.fetch(key());
        T value;
        if (size == 0) {
            value = codec.zero();
            before = encode(value);
        } else {
            value = Records.decode(size, codec);
            before = Memory.copy(Area.at(Area.READ), size);
        }
        isLoaded = true;
        return value;
    }

    private byte[] encode(T value) {
        Writer out = Writer.value();
        codec.write(out, value);
        return Memory.copy(out.at(), out.size());
    }

    /** Says that the field gets a value, whatever the chain has. */
    public void set() {
        isLoaded = true;
    }

    /** Says that only the chain knows. */
    public void forget() {
        isLoaded = false;
        before = UNKNOWN;
    }

    /** Stores the value, unless the chain has it already. */
    public void save(T value) {
        if (value == null) {
            throw new Revert(name + " is null");
        }
        Writer out = Writer.value();
        codec.write(out, value);
        if (before.length != out.size() || !Memory.isEqual(out.at(), before)) {
            Records.store(key(), out);
            before = Memory.copy(out.at(), out.size());
        }
    }
}
