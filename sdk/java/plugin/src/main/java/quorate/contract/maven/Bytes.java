package quorate.contract.maven;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes of a WebAssembly module, being read and being written. */
final class Bytes {
    private Bytes() {
    }

    /** A place in a module. */
    static final class In {
        private final byte[] bytes;
        private int position;

        In(byte[] bytes, int start) {
            this.bytes = bytes;
            position = start;
        }

        boolean isAtEnd() {
            return position == bytes.length;
        }

        int position() {
            return position;
        }

        int u8() {
            return bytes[position++] & 255;
        }

        int u32() {
            int value = 0;
            for (int shift = 0;; shift += 7) {
                int next = u8();
                value |= (next & 127) << shift;
                if (next < 128) {
                    return value;
                }
            }
        }

        String name() {
            return new String(take(u32()), StandardCharsets.UTF_8);
        }

        byte[] take(int size) {
            position += size;
            return Arrays.copyOfRange(bytes, position - size, position);
        }

        byte[] since(int start) {
            return Arrays.copyOfRange(bytes, start, position);
        }

        byte[] rest() {
            return Arrays.copyOfRange(bytes, position, bytes.length);
        }
    }

    /** What is being written. */
    static final class Out {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Out u8(int value) {
            bytes.write(value);
            return this;
        }

        Out u32(int value) {
            int left = value;
            while (left >>> 7 != 0) {
                bytes.write(left & 127 | 128);
                left >>>= 7;
            }
            bytes.write(left);
            return this;
        }

        /** Signed, as constants of i32 are written. */
        Out s32(int value) {
            int left = value;
            while (left < -64 || left > 63) {
                bytes.write(left & 127 | 128);
                left >>= 7;
            }
            bytes.write(left & 127);
            return this;
        }

        Out raw(byte[] more) {
            bytes.writeBytes(more);
            return this;
        }

        Out name(String name) {
            byte[] text = name.getBytes(StandardCharsets.UTF_8);
            return u32(text.length).raw(text);
        }

        Out section(int id, byte[] body) {
            return u8(id).u32(body.length).raw(body);
        }

        byte[] toBytes() {
            return bytes.toByteArray();
        }
    }
}
