package quorate.contract.processor;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.lang.model.element.RecordComponentElement;
import javax.lang.model.element.TypeElement;
import javax.lang.model.type.TypeMirror;

/** The class beside a contract that the chain calls: one exported function per method. */
final class GlueWriter {
    private static final String HOST = "quorate.contract.host.";

    private final Model model;
    private final Source out = new Source();

    GlueWriter(Model model) {
        this.model = model;
    }

    static String className(Model model) {
        return model.name() + "Glue";
    }

    String write(String packageName) {
        if (!packageName.isEmpty()) {
            out.line("package %s;", packageName).line("");
        }
        out.line("/** What the chain calls of %s. */", model.name());
        out.open("public final class %s extends %sGlue", className(model), HOST);
        writeRecords(out, model.types());
        writeFields();
        writeSaveAndForget();
        writeEvents();
        out.line("private static native %s allocate();", model.name());
        out.line("private static native void construct(%s it%s);", model.name(),
                model.constructor().parameters().stream()
                        .map(each -> ", " + each.type() + " " + each.name())
                        .collect(Collectors.joining()));
        writeExport(model.constructor());
        model.methods().forEach(this::writeExport);
        return out.close().text();
    }

    /** A codec per record, inner ones first. */
    static void writeRecords(Source out, Types types) {
        for (Map.Entry<String, TypeElement> each : types.records().entrySet()) {
            TypeElement type = each.getValue();
            List<? extends RecordComponentElement> parts = type.getRecordComponents();
            out.line("private static final %sCodec<%s> RECORD_%s = new Record_%s();",
                    HOST, type, each.getKey(), each.getKey());
            out.open("private static final class Record_%s extends %sCodec<%s>",
                    each.getKey(), HOST, type);
            out.open("public %s read(%sReader in)", type, HOST);
            out.line("return new %s(%s);", type, joined(parts, types, "read(in)")).close();
            out.open("public %s zero()", type);
            out.line("return new %s(%s);", type, joined(parts, types, "zero()")).close();
            out.open("public void write(%sWriter out, %s value)", HOST, type);
            for (RecordComponentElement part : parts) {
                out.line("%s.write(out, value.%s());",
                        types.value(part.asType(), part).codec(), part.getSimpleName());
            }
            out.close().close();
        }
    }

    private static String joined(
            List<? extends RecordComponentElement> parts, Types types, String call) {
        return parts.stream()
                .map(each -> types.value(each.asType(), each).codec() + "." + call)
                .collect(Collectors.joining(", "));
    }

    private void writeFields() {
        out.line("private final %s it = allocate();", model.name());
        for (Model.Field each : model.fields()) {
            if (!each.isMap()) {
                out.line("private static final %sVariable<%s> var_%s = new %sVariable<>(\"%s\", %s);",
                        HOST, boxed(each.type()), each.name(), HOST, each.name(),
                        each.named().codec());
            }
            writeAccess(each);
        }
    }

    /** The build has the contract's code call these where it reads or sets the field. */
    private void writeAccess(Model.Field field) {
        String name = field.name();
        out.open("static %s get_%s(%s it)", field.type(), name, model.name());
        if (field.isMap()) {
            out.open("if (it.%s == null)", name);
            out.line("it.%s = %sMaps.of(\"%s\", %s);", name, HOST, name, field.named().codec());
        } else {
            out.open("if (!var_%s.isLoaded())", name);
            out.line("it.%s = var_%s.load();", name, name);
        }
        out.close().line("return it.%s;", name).close();
        out.open("static void set_%s(%s it, %s value)", name, model.name(), field.type());
        if (field.isMap()) {
            out.line("throw new quorate.contract.Revert(\"%s is a map: it is never assigned\");",
                    name);
        } else {
            out.line("var_%s.set();", name).line("it.%s = value;", name);
        }
        out.close();
    }

    private void writeSaveAndForget() {
        out.open("protected void save()");
        for (Model.Field each : model.fields()) {
            if (!each.isMap()) {
                out.open("if (var_%s.isLoaded())", each.name());
                out.line("var_%s.save(it.%s);", each.name(), each.name()).close();
            }
        }
        out.close().open("protected void forget()");
        for (Model.Field each : model.fields()) {
            if (!each.isMap()) {
                out.line("var_%s.forget();", each.name());
            }
        }
        out.close();
    }

    private void writeEvents() {
        out.open("protected String describe(Object event, %sWriter out)", HOST);
        for (Model.Event event : model.events()) {
            out.open("if (event instanceof %s)", event.type());
            if (!event.fields().isEmpty()) {
                out.line("%s it = (%s) event;", event.type(), event.type());
            }
            for (Model.Value each : event.fields()) {
                out.line("%s.write(out, it.%s());", each.named().codec(), each.name());
            }
            out.line("return \"%s\";", event.name()).close();
        }
        out.line("return null;").close();
    }

    private void writeExport(Model.Method method) {
        out.line("@org.teavm.interop.Export(name = \"%s\")", method.name());
        out.open("public static void call_%s()", method.name());
        out.open("try");
        out.line("%sReader in = arguments(%b);", HOST, method.payable());
        for (int i = 0; i < method.parameters().size(); i++) {
            Model.Value each = method.parameters().get(i);
            out.line("%s a%d = %s.read(in);", each.type(), i, each.named().codec());
        }
        out.line("in.end();");
        out.line("%s glue = new %s();", className(model), className(model));
        out.line("glue.begin(%b);", method.view());
        writeCall(method);
        out.close().open("catch (Throwable problem)").line("fail(problem);").close().close();
    }

    private void writeCall(Model.Method method) {
        String arguments = IntStream.range(0, method.parameters().size())
                .mapToObj(i -> "a" + i).collect(Collectors.joining(", "));
        if (method == model.constructor()) {
            out.line("construct(glue.it%s);", arguments.isEmpty() ? "" : ", " + arguments);
            out.line("glue.end();");
        } else if (method.result() == null) {
            out.line("glue.it.%s(%s);", method.javaName(), arguments).line("glue.end();");
        } else {
            out.line("%s result = glue.it.%s(%s);",
                    method.result().type(), method.javaName(), arguments);
            out.line("glue.end();");
            out.line("output(%s, result);", method.result().named().codec());
        }
    }

    static String boxed(TypeMirror type) {
        return switch (type.getKind()) {
            case BYTE -> "Byte";
            case BOOLEAN -> "Boolean";
            case INT -> "Integer";
            case LONG -> "Long";
            default -> type.toString();
        };
    }
}
