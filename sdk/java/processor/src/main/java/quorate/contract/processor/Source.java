package quorate.contract.processor;

/** Java source that is being written, indented by its braces. */
final class Source {
    private final StringBuilder text = new StringBuilder();
    private int depth;

    Source line(String format, Object... parts) {
        String line = parts.length == 0 ? format : String.format(format, parts);
        text.append(line.isEmpty() ? "" : "    ".repeat(depth)).append(line).append('\n');
        return this;
    }

    Source open(String format, Object... parts) {
        line(format + " {", parts);
        depth++;
        return this;
    }

    Source close() {
        depth--;
        return line("}");
    }

    String text() {
        return text.toString();
    }
}
