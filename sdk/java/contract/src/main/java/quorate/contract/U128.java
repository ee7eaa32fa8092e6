package quorate.contract;

/**
 * A whole number from 0 to 2<sup>128</sup> − 1 that never changes.
 *
 * <p>What would leave the range throws, which reverts the call.
 */
public final class U128 implements Comparable<U128> {
    /** 0. */
    public static final U128 ZERO = new U128(0, 0);
    /** 1. */
    public static final U128 ONE = new U128(0, 1);
    /** The largest number there is. */
    public static final U128 MAX = new U128(-1, -1);

    private static final long LOW = 0xffff_ffffL;

    private final long high;
    private final long low;

    private U128(long high, long low) {
        this.high = high;
        this.low = low;
    }

    /** The number of a value that is not negative. */
    public static U128 of(long value) {
        return of(U64.of(value));
    }

    /** The same number, wider. */
    public static U128 of(U64 value) {
        return new U128(0, value.bits());
    }

    /** The number of the upper and the lower 64 bits. */
    public static U128 ofBits(long high, long low) {
        return new U128(high, low);
    }

    /** The upper 64 bits. */
    public long highBits() {
        return high;
    }

    /** The lower 64 bits. */
    public long lowBits() {
        return low;
    }

    /** The same number, narrower; throws if it does not fit. */
    public U64 toU64() {
        if (high != 0) {
            throw new ArithmeticException("number out of range");
        }
        return U64.ofBits(low);
    }

    /** The sum. */
    public U128 plus(U128 other) {
        U128 sum = wrappingPlus(other);
        if (sum.compareTo(this) < 0) {
            throw new ArithmeticException("arithmetic overflow");
        }
        return sum;
    }

    private U128 wrappingPlus(U128 other) {
        long sum = low + other.low;
        long carry = Long.compareUnsigned(sum, low) < 0 ? 1 : 0;
        return new U128(high + other.high + carry, sum);
    }

    /** The difference. */
    public U128 minus(U128 other) {
        if (compareTo(other) < 0) {
            throw new ArithmeticException("arithmetic overflow");
        }
        long borrow = Long.compareUnsigned(low, other.low) < 0 ? 1 : 0;
        return new U128(high - other.high - borrow, low - other.low);
    }

    /** The product. */
    public U128 times(U128 other) {
        U128 result = product(low, other.low);
        U128 upper = crossed(high, other.low).plus(crossed(other.high, low));
        if (high != 0 && other.high != 0 || upper.high != 0) {
            throw new ArithmeticException("arithmetic overflow");
        }
        return result.plus(new U128(upper.low, 0));
    }

    private static U128 crossed(long upper, long lower) {
        return upper == 0 ? ZERO : product(upper, lower);
    }

    /** The full product of two unsigned numbers. */
    private static U128 product(long left, long right) {
        long l0 = left & LOW;
        long l1 = left >>> 32;
        long r0 = right & LOW;
        long r1 = right >>> 32;
        long middle = l1 * r0 + (l0 * r0 >>> 32);
        long rest = l0 * r1 + (middle & LOW);
        return new U128(l1 * r1 + (middle >>> 32) + (rest >>> 32), left * right);
    }

    /** The quotient, rounded down. */
    public U128 dividedBy(U128 other) {
        return divide(other)[0];
    }

    /** What is left by a division. */
    public U128 remainder(U128 other) {
        return divide(other)[1];
    }

    private U128[] divide(U128 other) {
        if (other.isZero()) {
            throw new ArithmeticException("division by zero");
        }
        if (high == 0 && other.high == 0) {
            return new U128[] {
                new U128(0, Long.divideUnsigned(low, other.low)),
                new U128(0, Long.remainderUnsigned(low, other.low)),
            };
        }
        long quotientHigh = 0;
        long quotientLow = 0;
        U128 rest = ZERO;
        for (int bit = 127; bit >= 0; bit--) {
            boolean carried = rest.high < 0;
            rest = new U128(rest.high << 1 | rest.low >>> 63, rest.low << 1 | bitAt(bit));
            if (carried || rest.compareTo(other) >= 0) {
                rest = rest.wrappingPlus(other.negated());
                if (bit >= 64) {
                    quotientHigh |= 1L << bit - 64;
                } else {
                    quotientLow |= 1L << bit;
                }
            }
        }
        return new U128[] {new U128(quotientHigh, quotientLow), rest};
    }

    private U128 negated() {
        return new U128(~high, ~low).wrappingPlus(ONE);
    }

    private long bitAt(int bit) {
        return (bit >= 64 ? high >>> bit - 64 : low >>> bit) & 1;
    }

    /** Whether it is 0. */
    public boolean isZero() {
        return (high | low) == 0;
    }

    /** Whether it is less than the other. */
    public boolean isLessThan(U128 other) {
        return compareTo(other) < 0;
    }

    /** The smaller of the two. */
    public U128 min(U128 other) {
        return compareTo(other) <= 0 ? this : other;
    }

    /** The larger of the two. */
    public U128 max(U128 other) {
        return compareTo(other) >= 0 ? this : other;
    }

    @Override
    public int compareTo(U128 other) {
        int upper = Long.compareUnsigned(high, other.high);
        return upper != 0 ? upper : Long.compareUnsigned(low, other.low);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof U128 && compareTo((U128) other) == 0;
    }

    @Override
    public int hashCode() {
        long bits = 31 * high + low;
        return (int) (bits ^ bits >>> 32);
    }

    /** The number in decimal. */
    @Override
    public String toString() {
        if (high == 0) {
            return U64.ofBits(low).toString();
        }
        U128 ten = of(10);
        StringBuilder digits = new StringBuilder();
        for (U128 left = this; !left.isZero();) {
            U128[] parts = left.divide(ten);
            digits.append((char) ('0' + (int) parts[1].low));
            left = parts[0];
        }
        return digits.reverse().toString();
    }
}
