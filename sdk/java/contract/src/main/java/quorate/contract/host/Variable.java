package quorate.contract.host;

import quorate.contract.Revert;

/** A field of the contract: loaded before a call, stored after it if it has changed. */
public final class Variable<T> {
    private final String name;
    private final Codec<T> codec;
    private byte[] before;

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

    /** What the chain has. */
    public T load() {
        int size = Records.fetch(key());
        before = new byte[size];
        if (size == 0) {
            return codec.zero();
        }
        T value = Records.decode(size, codec);
        Memory.read(Area.at(Area.READ), before);
        return value;
    }

    /** Stores the value unless the chain has it already. */
    public void save(T value) {
        if (value == null) {
            throw new Revert(name + " is null");
        }
        Writer out = Writer.value();
        codec.write(out, value);
        int size = out.size();
        if (before.length == 0 ? Memory.isZero(out.at(), size)
                : before.length == size && Memory.isEqual(out.at(), before)) {
            return;
        }
        Records.store(key(), out);
        before = new byte[Memory.isZero(out.at(), size) ? 0 : size];
        Memory.read(out.at(), before);
    }
}
