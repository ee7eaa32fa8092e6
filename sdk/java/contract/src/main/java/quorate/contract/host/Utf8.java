package quorate.contract.host;

import org.teavm.interop.Address;
import quorate.contract.Revert;

/** Strict UTF-8, without the tables of Java's own character sets. */
final class Utf8 {
    private Utf8() {
    }

    static int size(String text) {
        int size = 0;
        for (int i = 0; i < text.length(); i++) {
            char unit = text.charAt(i);
            if (unit < 0x80) {
                size += 1;
            } else if (unit < 0x800) {
                size += 2;
            } else if (Character.isSurrogate(unit)) {
                size += 2;
            } else {
                size += 3;
            }
        }
        return size;
    }

    static void write(Address at, String text) {
        int offset = 0;
        for (int i = 0; i < text.length(); i++) {
            int point = text.charAt(i);
            if (Character.isSurrogate((char) point)) {
                point = pair(text, i);
                i++;
            }
            offset += put(at.add(offset), point);
        }
    }

    private static int pair(String text, int index) {
        char upper = text.charAt(index);
        char lower = index + 1 < text.length() ? text.charAt(index + 1) : 0;
        if (!Character.isHighSurrogate(upper) || !Character.isLowSurrogate(lower)) {
            throw invalid();
        }
        return Character.toCodePoint(upper, lower);
    }

    private static int put(Address at, int point) {
        if (point < 0x80) {
            at.putByte((byte) point);
            return 1;
        }
        int size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        for (int i = size - 1; i > 0; i--) {
            at.add(i).putByte((byte) (0x80 | point & 0x3f));
            point >>>= 6;
        }
        at.putByte((byte) (0xf00 >> size | point));
        return size;
    }

    static String read(Address at, int size) {
        char[] units = new char[size];
        int count = 0;
        for (int offset = 0; offset < size;) {
            int lead = at.add(offset).getByte() & 255;
            int length = length(lead);
            if (length == 0 || length > size - offset) {
                throw invalid();
            }
            int point = point(at.add(offset), lead, length);
            offset += length;
            if (point >= 0x10000) {
                units[count++] = Character.highSurrogate(point);
                units[count++] = Character.lowSurrogate(point);
            } else {
                units[count++] = (char) point;
            }
        }
        return new String(units, 0, count);
    }

    private static int length(int lead) {
        if (lead < 0x80) {
            return 1;
        }
        if (lead < 0xc2 || lead > 0xf4) {
            return 0;
        }
        return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    }

    private static int point(Address at, int lead, int length) {
        int point = length == 1 ? lead : lead & 0x7f >> length;
        for (int i = 1; i < length; i++) {
            int next = at.add(i).getByte() & 255;
            if ((next & 0xc0) != 0x80) {
                throw invalid();
            }
            point = point << 6 | next & 0x3f;
        }
        boolean overlong = length == 3 && point < 0x800 || length == 4 && point < 0x10000;
        if (overlong || point > 0x10ffff || point >= 0xd800 && point < 0xe000) {
            throw invalid();
        }
        return point;
    }

    private static Revert invalid() {
        return new Revert("invalid UTF-8");
    }
}
