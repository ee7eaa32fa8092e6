package quorate.contract.host;

import quorate.contract.Address;
import quorate.contract.Revert;
import quorate.contract.U64;

/** What the generated class of a contract builds on: one call, from its arguments to its result. */
public abstract class Glue {
    private static final int REVERT_TEXT_MAX = 256;
    private static Glue running;
    private static boolean view;

    /** For the generated class. */
    protected Glue() {
    }

    /** Stores the fields that have changed. */
    protected abstract void save();

    /** Has the fields loaded anew when they are next read. */
    protected abstract void forget();

    /** Writes an event's fields, and returns its name; null if the contract declares no such. */
    protected abstract String describe(Object event, Writer out);

    /** The arguments of this call; reverts if value came with it and the method takes none. */
    protected static Reader arguments(boolean payable) {
        if (!payable && Host.value() != 0) {
            throw new Revert("this method takes no value");
        }
        Reader in = Reader.of(Host.inputSize(), "malformed arguments");
        Host.input(Area.at(Area.READ));
        return in;
    }

    /** Starts the call. */
    protected final void begin(boolean asView) {
        running = this;
        view = asView;
    }

    /** Ends the call. */
    protected final void end() {
        if (!view) {
            save();
        }
    }

    /** The result of the call. */
    protected static <T> void output(Codec<T> codec, T value) {
        if (value == null) {
            throw new Revert("the result is null");
        }
        Writer out = Writer.value();
        codec.write(out, value);
        Host.output(out.at(), out.size());
    }

    /** Ends the transaction with what was thrown. */
    protected static void fail(Throwable problem) {
        String text = problem.getMessage();
        if (text == null || text.isEmpty()) {
            text = "failed";
        }
        int size = Utf8.size(text);
        Writer out = Writer.value();
        out.bare(size <= REVERT_TEXT_MAX ? text : cut(text));
        Host.revert(out.at(), out.size(), 0);
    }

    private static String cut(String text) {
        int end = Math.min(text.length(), REVERT_TEXT_MAX);
        while (Character.isHighSurrogate(text.charAt(end - 1))
                || Utf8.size(text.substring(0, end)) > REVERT_TEXT_MAX) {
            end--;
        }
        return text.substring(0, end);
    }

    static boolean isView() {
        return view;
    }

    /** Emits an event. */
    public static void emit(Record event) {
        Writer out = Writer.value();
        String name = running.describe(event, out);
        if (name == null) {
            throw new Revert("an event that is not declared");
        }
        Writer key = Writer.key();
        key.bare(name);
        Host.emit(key.at(), key.size(), out.at(), out.size());
    }

    /** Calls another contract; fields are stored before it, and loaded anew after it. */
    public static <T> T call(
            Address contract, String method, U64 amount, Arguments arguments, Codec<T> result) {
        if (!view) {
            running.save();
        }
        Writer key = Writer.key();
        Codec.ADDRESS.write(key, contract);
        key.bare(method);
        Writer out = Writer.value();
        arguments.write(out);
        int size = Host.call(
                key.at(), key.at().add(Address.SIZE), key.size() - Address.SIZE,
                out.at(), out.size(), amount.bits(), 0);
        T value = null;
        if (result != null) {
            Reader in = Reader.of(size, "malformed result");
            Host.returned(Area.at(Area.READ));
            value = result.read(in);
            in.end();
        }
        running.forget();
        return value;
    }

    /** The arguments of a call of another contract. */
    public interface Arguments {
        /** Puts them down. */
        void write(Writer out);
    }
}
