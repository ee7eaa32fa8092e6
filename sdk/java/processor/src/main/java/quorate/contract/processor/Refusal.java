package quorate.contract.processor;

import javax.lang.model.element.Element;

/** Something in the author's source that can't be part of a contract. */
final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Element where;

    Refusal(Element where, String text) {
        super(text);
        this.where = where;
    }

    Element where() {
        return where;
    }
}
