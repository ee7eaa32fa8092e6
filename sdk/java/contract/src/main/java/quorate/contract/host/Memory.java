package quorate.contract.host;

import org.teavm.interop.Address;

/** Copies between arrays and linear memory. */
final class Memory {
    private Memory() {
    }

    static byte[] copy(Address at, int size) {
        byte[] target = new byte[size];
        for (int i = 0; i < size; i++) {
            target[i] = at.add(i).getByte();
        }
        return target;
    }

    static void write(Address at, byte[] data) {
        for (int i = 0; i < data.length; i++) {
            at.add(i).putByte(data[i]);
        }
    }

    static boolean isEqual(Address at, byte[] data) {
        for (int i = 0; i < data.length; i++) {
            if (at.add(i).getByte() != data[i]) {
                return false;
            }
        }
        return true;
    }

    static boolean isZero(Address at, int size) {
        for (int i = 0; i < size; i++) {
            if (at.add(i).getByte() != 0) {
                return false;
            }
        }
        return true;
    }
}
