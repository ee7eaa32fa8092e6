package quorate.contract.processor;

import java.util.List;
import java.util.stream.Collectors;
import javax.lang.model.element.TypeElement;

/** The class that calls another contract through an interface of it. */
final class ExternalWriter {
    private static final String API = "quorate.contract.";
    private static final String HOST = API + "host.";

    private ExternalWriter() {
    }

    static String className(TypeElement type) {
        return type.getSimpleName() + "At";
    }

    static String write(String packageName, TypeElement type, Scanner scanner) {
        List<Model.Method> methods = scanner.external(type);
        Source out = new Source();
        if (!packageName.isEmpty()) {
            out.line("package %s;", packageName).line("");
        }
        out.line("/** %s at an address. */", type.getSimpleName());
        out.open("public final class %s implements %s", className(type), type);
        GlueWriter.writeRecords(out, scanner.types());
        out.line("private final %sAddress address;", API);
        out.line("private final %sU64 value;", API).line("");
        out.open("public %s(%sAddress address)", className(type), API);
        out.line("this(address, %sU64.ZERO);", API).close();
        out.line("/** Native tokens go with every call. */");
        out.open("public %s(%sAddress address, %sU64 value)", className(type), API, API);
        out.line("this.address = address;").line("this.value = value;").close();
        methods.forEach(each -> writeMethod(out, each));
        return out.close().text();
    }

    private static void writeMethod(Source out, Model.Method method) {
        Model.Value result = method.result();
        out.line("@Override");
        out.open("public %s %s(%s)", result == null ? "void" : result.type(), method.javaName(),
                method.parameters().stream().map(each -> each.type() + " " + each.name())
                        .collect(Collectors.joining(", ")));
        out.line("%s%sGlue.call(address, \"%s\", value, out_ -> {",
                result == null ? "" : "return ", HOST, method.name());
        for (Model.Value each : method.parameters()) {
            out.line("    %s.write(out_, %s);", each.named().codec(), each.name());
        }
        out.line("}, %s);", result == null ? "null" : result.named().codec()).close();
    }
}
