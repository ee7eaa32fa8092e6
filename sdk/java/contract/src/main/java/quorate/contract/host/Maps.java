package quorate.contract.host;

import quorate.contract.GlobalMap;
import quorate.contract.Revert;

/** The entries of one map, each a record of its own: docs/contract-abi.md, section 3. */
public final class Maps<K, V> extends GlobalMap<K, V> {
    private final byte[] prefix;
    private final Codec<K> key;
    private final Codec<V> value;

    private Maps(byte[] prefix, Codec<K> key, Codec<V> value) {
        this.prefix = prefix;
        this.key = key;
        this.value = value;
    }

    /** The map that is the variable of a name. */
    public static <K, V> GlobalMap<K, V> of(String name, Codec<K> key, Codec<V> value) {
        Writer start = Writer.key();
        start.u8(Utf8.size(name));
        start.bare(name);
        return new Maps<>(copy(start), key, value);
    }

    private static byte[] copy(Writer start) {
        return Memory.copy(start.at(), start.size());
    }

    private Writer find(K at) {
        if (at == null) {
            throw new Revert("a key is null");
        }
        Writer out = Writer.key();
        out.fixed(prefix);
        key.write(out, at);
        return out;
    }

    @Override
    public V get(K at) {
        return value.open(find(at));
    }

    @Override
    public void set(K at, V to) {
        if (to == null) {
            throw new Revert("a value is null");
        }
        Writer out = Writer.value();
        value.write(out, to);
        Records.store(find(at), out);
    }

    @Override
    public void remove(K at) {
        Records.store(find(at), Writer.value());
    }

    @Override
    public boolean contains(K at) {
        return Records.fetch(find(at)) > 0;
    }

    /** Map[K, V] as the value of another map. */
    public static final class Nested<K, V> extends Codec<GlobalMap<K, V>> {
        private final Codec<K> key;
        private final Codec<V> value;

        /** Of keys and values of these types. */
        public Nested(Codec<K> key, Codec<V> value) {
            this.key = key;
            this.value = value;
        }

        @Override
        protected GlobalMap<K, V> open(Writer start) {
            return new Maps<>(copy(start), key, value);
        }

        @Override
        public GlobalMap<K, V> read(Reader in) {
            throw new Revert("a map is no value");
        }

        @Override
        public void write(Writer out, GlobalMap<K, V> map) {
            throw new Revert("a map is no value");
        }

        @Override
        public GlobalMap<K, V> zero() {
            throw new Revert("a map is no value");
        }
    }
}
