package library;

import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import quorate.contract.Contract;
import quorate.contract.View;

/** A contract that uses much of Java's own library. */
@Contract
public class Library {
    /** Java's own library: hash tables, big numbers, streams, floats. */
    @View
    String count(List<String> words) {
        Map<String, Integer> counts = new HashMap<>();
        words.forEach(each -> counts.merge(each, 1, Integer::sum));
        BigInteger product = BigInteger.ONE;
        for (int each : counts.values()) {
            product = product.multiply(BigInteger.valueOf(each).pow(40));
        }
        double zero = words.size() % 1;
        double nan = -zero / zero;
        return counts.keySet().stream().sorted().collect(Collectors.joining(","))
                + " " + product + " " + Long.toHexString(Double.doubleToRawLongBits(nan));
    }
}
