package quorate.contract;

/**
 * A whole number from 0 to 2<sup>64</sup> − 1 that never changes.
 *
 * <p>What would leave the range throws, which reverts the call.
 */
public final class U64 implements Comparable<U64> {
    /** 0. */
    public static final U64 ZERO = new U64(0);
    /** 1. */
    public static final U64 ONE = new U64(1);
    /** The largest number there is. */
    public static final U64 MAX = new U64(-1);

    private final long bits;

    private U64(long bits) {
        this.bits = bits;
    }

    /** The number of a value that is not negative. */
    public static U64 of(long value) {
        if (value < 0) {
            throw new ArithmeticException("arithmetic overflow");
        }
        return new U64(value);
    }

    /** The number whose 64 bits these are: −1 stands for the largest one. */
    public static U64 ofBits(long bits) {
        return new U64(bits);
    }

    /** The 64 bits of the number. */
    public long bits() {
        return bits;
    }

    /** The number as a long; throws above 2<sup>63</sup> − 1. */
    public long toLong() {
        if (bits < 0) {
            throw new ArithmeticException("number out of range");
        }
        return bits;
    }

    /** The sum. */
    public U64 plus(U64 other) {
        long sum = bits + other.bits;
        if (Long.compareUnsigned(sum, bits) < 0) {
            throw new ArithmeticException("arithmetic overflow");
        }
        return new U64(sum);
    }

    /** The difference. */
    public U64 minus(U64 other) {
        if (Long.compareUnsigned(bits, other.bits) < 0) {
            throw new ArithmeticException("arithmetic overflow");
        }
        return new U64(bits - other.bits);
    }

    /** The product. */
    public U64 times(U64 other) {
        long product = bits * other.bits;
        if (bits != 0 && Long.divideUnsigned(product, bits) != other.bits) {
            throw new ArithmeticException("arithmetic overflow");
        }
        return new U64(product);
    }

    /** The quotient, rounded down. */
    public U64 dividedBy(U64 other) {
        return new U64(Long.divideUnsigned(bits, other.divisor()));
    }

    /** What is left by a division. */
    public U64 remainder(U64 other) {
        return new U64(Long.remainderUnsigned(bits, other.divisor()));
    }

    private long divisor() {
        if (bits == 0) {
            throw new ArithmeticException("division by zero");
        }
        return bits;
    }

    /** Whether it is 0. */
    public boolean isZero() {
        return bits == 0;
    }

    /** Whether it is less than the other. */
    public boolean isLessThan(U64 other) {
        return compareTo(other) < 0;
    }

    /** The smaller of the two. */
    public U64 min(U64 other) {
        return compareTo(other) <= 0 ? this : other;
    }

    /** The larger of the two. */
    public U64 max(U64 other) {
        return compareTo(other) >= 0 ? this : other;
    }

    @Override
    public int compareTo(U64 other) {
        return Long.compareUnsigned(bits, other.bits);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof U64 && ((U64) other).bits == bits;
    }

    @Override
    public int hashCode() {
        return (int) (bits ^ bits >>> 32);
    }

    /** The number in decimal. */
    @Override
    public String toString() {
        if (bits >= 0) {
            return Long.toString(bits);
        }
        long tens = Long.divideUnsigned(bits, 10);
        return Long.toString(tens) + (char) ('0' + (int) (bits - tens * 10));
    }
}
