package quorate.contract;

/** Ends the transaction; nothing of it takes effect, and the receipt carries the text. */
public final class Revert extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** A revert with a text of at most 256 bytes; what is longer is cut. */
    public Revert(String text) {
        super(text);
    }
}
