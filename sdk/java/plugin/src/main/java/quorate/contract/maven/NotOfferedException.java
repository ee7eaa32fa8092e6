package quorate.contract.maven;

/** The module asks for something of JavaScript's that the chain does not have. */
final class NotOfferedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NotOfferedException(String module, String name) {
        super("something in the contract needs " + module + "." + name
                + ", which the chain does not offer: leave out randomness, threads, time zones, "
                + "and functions of floating-point numbers such as Math.sqrt");
    }
}
