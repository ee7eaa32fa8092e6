package quorate.contract.host;

import java.util.ArrayList;
import java.util.List;
import quorate.contract.Address;
import quorate.contract.Revert;
import quorate.contract.U128;
import quorate.contract.U64;

/** How values of one type are written: docs/contract-abi.md, section 2. */
public abstract class Codec<T> {
    /** bool. */
    public static final Codec<Boolean> BOOL = new BoolCodec();
    /** u8, of which a byte holds the lower half. */
    public static final Codec<Byte> BYTE = new ByteCodec();
    /** u32, of which an int holds the lower half. */
    public static final Codec<Integer> INT = new IntCodec();
    /** i64. */
    public static final Codec<Long> LONG = new LongCodec();
    /** u64. */
    public static final Codec<U64> U64 = new U64Codec();
    /** u128. */
    public static final Codec<U128> U128 = new U128Codec();
    /** An address. */
    public static final Codec<Address> ADDRESS = new AddressCodec();
    /** bytes. */
    public static final Codec<byte[]> BYTES = new BytesCodec();
    /** str. */
    public static final Codec<String> STRING = new StringCodec();

    /** Takes a value off. */
    public abstract T read(Reader in);

    /** Puts a value down. */
    public abstract void write(Writer out, T value);

    /** What a record that is not there reads as. */
    public abstract T zero();

    /** The value of the entry of a map whose key stands in the key area. */
    protected T open(Writer key) {
        return Records.load(key, this);
    }

    private static final class BoolCodec extends Codec<Boolean> {
        @Override
        public Boolean read(Reader in) {
            int value = in.u8();
            if (value > 1) {
                throw in.malformed();
            }
            return value == 1;
        }

        @Override
        public void write(Writer out, Boolean value) {
            out.u8(value ? 1 : 0);
        }

        @Override
        public Boolean zero() {
            return false;
        }
    }

    private static final class ByteCodec extends Codec<Byte> {
        @Override
        public Byte read(Reader in) {
            int value = in.u8();
            if (value > Byte.MAX_VALUE) {
                throw new Revert("number out of range");
            }
            return (byte) value;
        }

        @Override
        public void write(Writer out, Byte value) {
            if (value < 0) {
                throw new Revert("number out of range");
            }
            out.u8(value);
        }

        @Override
        public Byte zero() {
            return 0;
        }
    }

    private static final class IntCodec extends Codec<Integer> {
        @Override
        public Integer read(Reader in) {
            long value = in.u32();
            if (value > Integer.MAX_VALUE) {
                throw new Revert("number out of range");
            }
            return (int) value;
        }

        @Override
        public void write(Writer out, Integer value) {
            if (value < 0) {
                throw new Revert("number out of range");
            }
            out.u32(value);
        }

        @Override
        public Integer zero() {
            return 0;
        }
    }

    private static final class LongCodec extends Codec<Long> {
        @Override
        public Long read(Reader in) {
            return in.i64();
        }

        @Override
        public void write(Writer out, Long value) {
            out.i64(value);
        }

        @Override
        public Long zero() {
            return 0L;
        }
    }

    private static final class U64Codec extends Codec<U64> {
        @Override
        public U64 read(Reader in) {
            return quorate.contract.U64.ofBits(in.i64());
        }

        @Override
        public void write(Writer out, U64 value) {
            out.i64(value.bits());
        }

        @Override
        public U64 zero() {
            return quorate.contract.U64.ZERO;
        }
    }

    private static final class U128Codec extends Codec<U128> {
        @Override
        public U128 read(Reader in) {
            long low = in.i64();
            return quorate.contract.U128.ofBits(in.i64(), low);
        }

        @Override
        public void write(Writer out, U128 value) {
            out.i64(value.lowBits());
            out.i64(value.highBits());
        }

        @Override
        public U128 zero() {
            return quorate.contract.U128.ZERO;
        }
    }

    private static final class AddressCodec extends Codec<Address> {
        @Override
        public Address read(Reader in) {
            return Address.of(in.fixed(Address.SIZE));
        }

        @Override
        public void write(Writer out, Address value) {
            for (int i = 0; i < Address.SIZE; i++) {
                out.u8(value.at(i));
            }
        }

        @Override
        public Address zero() {
            return Address.ZERO;
        }
    }

    private static final class BytesCodec extends Codec<byte[]> {
        @Override
        public byte[] read(Reader in) {
            return in.fixed(in.length());
        }

        @Override
        public void write(Writer out, byte[] value) {
            out.u32(value.length);
            out.fixed(value);
        }

        @Override
        public byte[] zero() {
            return new byte[0];
        }
    }

    private static final class StringCodec extends Codec<String> {
        @Override
        public String read(Reader in) {
            return in.text();
        }

        @Override
        public void write(Writer out, String value) {
            out.text(value);
        }

        @Override
        public String zero() {
            return "";
        }
    }

    /** List[T]. */
    public static final class ListCodec<T> extends Codec<List<T>> {
        private final Codec<T> item;

        /** Of items of one type. */
        public ListCodec(Codec<T> item) {
            this.item = item;
        }

        @Override
        public List<T> read(Reader in) {
            int count = in.length();
            List<T> list = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                list.add(item.read(in));
            }
            return list;
        }

        @Override
        public void write(Writer out, List<T> value) {
            out.u32(value.size());
            for (T each : value) {
                item.write(out, each);
            }
        }

        @Override
        public List<T> zero() {
            return new ArrayList<>();
        }
    }
}
