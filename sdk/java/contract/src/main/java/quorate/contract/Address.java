package quorate.contract;

import java.util.Arrays;

/** An account or a contract: 32 bytes that never change. */
public final class Address {
    /** The size of an address. */
    public static final int SIZE = 32;
    /** The address nobody has, and the value of a variable that was never set. */
    public static final Address ZERO = new Address(new byte[SIZE]);

    private final byte[] bytes;

    private Address(byte[] bytes) {
        this.bytes = bytes;
    }

    /** The address of these 32 bytes. */
    public static Address of(byte[] bytes) {
        if (bytes.length != SIZE) {
            throw new Revert("an address is 32 bytes");
        }
        return new Address(bytes.clone());
    }

    /** The byte at a place from 0 to 31. */
    public byte at(int index) {
        return bytes[index];
    }

    /** A copy of the 32 bytes. */
    public byte[] toBytes() {
        return bytes.clone();
    }

    /** Whether it is the address nobody has. */
    public boolean isZero() {
        return equals(ZERO);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Address && Arrays.equals(bytes, ((Address) other).bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** The bytes in hexadecimal. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(2 * SIZE);
        for (byte each : bytes) {
            text.append(Character.forDigit(each >> 4 & 15, 16));
            text.append(Character.forDigit(each & 15, 16));
        }
        return text.toString();
    }
}
