package quorate.contract.processor;

import java.io.IOException;
import java.io.Writer;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.annotation.processing.AbstractProcessor;
import javax.annotation.processing.RoundEnvironment;
import javax.annotation.processing.SupportedAnnotationTypes;
import javax.lang.model.SourceVersion;
import javax.lang.model.element.Element;
import javax.lang.model.element.TypeElement;
import javax.tools.Diagnostic;
import javax.tools.StandardLocation;

/**
 * Writes, for the class marked as a contract, the class that the chain calls and the interface.
 *
 * <p>META-INF/quorate/contract tells the build the class and the names it exports.
 */
@SupportedAnnotationTypes({
    "quorate.contract.Contract", "quorate.contract.Event", "quorate.contract.External"})
public final class ContractProcessor extends AbstractProcessor {
    private static final String FOLDER = "META-INF/quorate/";

    /** For the compiler. */
    public ContractProcessor() {
    }

    @Override
    public SourceVersion getSupportedSourceVersion() {
        return SourceVersion.latestSupported();
    }

    @Override
    public boolean process(Set<? extends TypeElement> annotations, RoundEnvironment round) {
        if (annotations.isEmpty()) {
            return false;
        }
        try {
            for (TypeElement each : marked(round, "External")) {
                writeExternal(each);
            }
            writeContract(round);
        } catch (Refusal refusal) {
            processingEnv.getMessager().printMessage(
                    Diagnostic.Kind.ERROR, refusal.getMessage(), refusal.where());
        } catch (IOException problem) {
            processingEnv.getMessager().printMessage(Diagnostic.Kind.ERROR, problem.toString());
        }
        return true;
    }

    private void writeContract(RoundEnvironment round) throws IOException {
        List<TypeElement> contracts = marked(round, "Contract");
        if (contracts.size() > 1) {
            throw new Refusal(contracts.get(1), "a project has one contract, and there are "
                    + contracts.size() + ": give each a project of its own");
        }
        for (TypeElement each : contracts) {
            Scanner scanner = new Scanner(processingEnv.getElementUtils());
            Model model = scanner.scan(each, marked(round, "Event"));
            String glue = GlueWriter.className(model);
            write(each, glue, new GlueWriter(model).write(packageOf(each)));
            writeResource("interface.json", InterfaceWriter.write(model), each);
            writeResource("contract", describe(model, qualified(each, glue)), each);
        }
    }

    private static String describe(Model model, String glue) {
        return Stream.concat(
                Stream.of(model.name(), glue, "init"),
                model.methods().stream().map(Model.Method::name))
                .collect(Collectors.joining("\n", "", "\n"));
    }

    private void writeExternal(TypeElement type) throws IOException {
        Scanner scanner = new Scanner(processingEnv.getElementUtils());
        write(type, ExternalWriter.className(type),
                ExternalWriter.write(packageOf(type), type, scanner));
    }

    private void write(TypeElement origin, String name, String source) throws IOException {
        try (Writer out = processingEnv.getFiler()
                .createSourceFile(qualified(origin, name), origin).openWriter()) {
            out.write(source);
        }
    }

    private void writeResource(String name, String text, TypeElement origin) throws IOException {
        try (Writer out = processingEnv.getFiler().createResource(
                StandardLocation.CLASS_OUTPUT, "", FOLDER + name, origin).openWriter()) {
            out.write(text);
        }
    }

    private String packageOf(TypeElement type) {
        return processingEnv.getElementUtils().getPackageOf(type).getQualifiedName().toString();
    }

    private String qualified(TypeElement type, String name) {
        String packageName = packageOf(type);
        return packageName.isEmpty() ? name : packageName + "." + name;
    }

    private static List<TypeElement> marked(RoundEnvironment round, String annotation) {
        // The order in which the compiler is given the files must not show in what comes out.
        return round.getRootElements().stream()
                .sorted(Comparator.comparing(Object::toString))
                .flatMap(ContractProcessor::withNested)
                .filter(each -> Scanner.has(each, annotation))
                .toList();
    }

    private static Stream<TypeElement> withNested(Element element) {
        if (!(element instanceof TypeElement type)) {
            return Stream.empty();
        }
        return Stream.concat(
                Stream.of(type),
                type.getEnclosedElements().stream().flatMap(ContractProcessor::withNested));
    }
}
