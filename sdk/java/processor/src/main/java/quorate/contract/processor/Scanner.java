package quorate.contract.processor;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import javax.lang.model.element.Element;
import javax.lang.model.element.ElementKind;
import javax.lang.model.element.ExecutableElement;
import javax.lang.model.element.Modifier;
import javax.lang.model.element.NestingKind;
import javax.lang.model.element.RecordComponentElement;
import javax.lang.model.element.TypeElement;
import javax.lang.model.element.VariableElement;
import javax.lang.model.type.TypeKind;
import javax.lang.model.util.ElementFilter;
import javax.lang.model.util.Elements;

/** Reads a class that is marked as a contract, and refuses what a contract can't have. */
final class Scanner {
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,63}");
    private static final String PACKAGE = "quorate.contract.";

    private final Elements elements;
    private final Types types = new Types();

    Scanner(Elements elements) {
        this.elements = elements;
    }

    Model scan(TypeElement type, List<TypeElement> events) {
        checkClass(type);
        List<Model.Event> emitted = new ArrayList<>();
        for (TypeElement each : events) {
            emitted.add(event(each));
        }
        return new Model(type, fields(type), constructor(type), methods(type), emitted, types);
    }

    private static void checkClass(TypeElement type) {
        if (type.getKind() != ElementKind.CLASS
                || type.getModifiers().contains(Modifier.ABSTRACT)
                || type.getNestingKind() != NestingKind.TOP_LEVEL) {
            throw new Refusal(type, "a contract is a class of its own, not abstract, not nested");
        }
        if (!type.getTypeParameters().isEmpty()
                || !type.getSuperclass().toString().equals("java.lang.Object")) {
            throw new Refusal(type, "a contract has no type parameters and extends nothing");
        }
    }

    private List<Model.Field> fields(TypeElement type) {
        List<Model.Field> fields = new ArrayList<>();
        for (VariableElement each : ElementFilter.fieldsIn(type.getEnclosedElements())) {
            Set<Modifier> modifiers = each.getModifiers();
            if (modifiers.contains(Modifier.STATIC)) {
                if (!modifiers.contains(Modifier.FINAL)) {
                    throw new Refusal(each, "a static variable is gone after the call: make it a "
                            + "field without static, which is stored");
                }
                continue;
            }
            if (modifiers.contains(Modifier.TRANSIENT)) {
                continue;
            }
            if (modifiers.contains(Modifier.PRIVATE) || modifiers.contains(Modifier.FINAL)) {
                throw new Refusal(each, "a stored field is neither private nor final: the class "
                        + "that the build makes beside yours loads and stores it");
            }
            fields.add(field(each));
        }
        return fields;
    }

    private Model.Field field(VariableElement field) {
        boolean isMap = Types.isMap(field.asType());
        Types.Named named = isMap
                ? types.map(field.asType(), field) : types.value(field.asType(), field);
        return new Model.Field(checkedName(field), named, field.asType(), isMap);
    }

    private Model.Method constructor(TypeElement type) {
        List<ExecutableElement> all = ElementFilter.constructorsIn(type.getEnclosedElements());
        if (all.size() != 1) {
            throw new Refusal(type, "a contract has one constructor, which its deployment runs");
        }
        ExecutableElement only = all.get(0);
        return new Model.Method(
                "", "init", parameters(only), null, false, has(only, "Payable"), doc(only));
    }

    private List<Model.Method> methods(TypeElement type) {
        List<Model.Method> methods = new ArrayList<>();
        Set<String> names = new HashSet<>(Set.of("init", "memory"));
        for (ExecutableElement each : ElementFilter.methodsIn(type.getEnclosedElements())) {
            boolean view = has(each, "View");
            if (!view && !has(each, "Public")) {
                if (has(each, "Payable")) {
                    throw new Refusal(each, "@Payable needs @Public beside it");
                }
                continue;
            }
            Model.Method method = method(each, view);
            if (!names.add(method.name())) {
                throw new Refusal(each, "the name " + method.name() + " is taken: methods are "
                        + "called by name, init is the constructor, memory the module's");
            }
            methods.add(method);
        }
        if (methods.isEmpty()) {
            throw new Refusal(type, "nobody can call this contract: mark methods @Public or @View");
        }
        return methods;
    }

    private Model.Method method(ExecutableElement method, boolean view) {
        Set<Modifier> modifiers = method.getModifiers();
        if (modifiers.contains(Modifier.STATIC) || modifiers.contains(Modifier.PRIVATE)) {
            throw new Refusal(method, "a method that can be called is neither static nor private");
        }
        if (!method.getTypeParameters().isEmpty() || method.isVarArgs()) {
            throw new Refusal(method, "a method that can be called has plain parameters");
        }
        boolean payable = has(method, "Payable");
        if (view && payable) {
            throw new Refusal(method, "a view takes no value");
        }
        Model.Value result = method.getReturnType().getKind() == TypeKind.VOID ? null
                : new Model.Value("", types.value(method.getReturnType(), method),
                        method.getReturnType());
        return new Model.Method(
                method.getSimpleName().toString(), calledName(method), parameters(method), result,
                view, payable, doc(method));
    }

    private List<Model.Value> parameters(ExecutableElement method) {
        List<Model.Value> values = new ArrayList<>();
        for (VariableElement each : method.getParameters()) {
            values.add(new Model.Value(
                    checkedName(each), types.value(each.asType(), each), each.asType()));
        }
        return values;
    }

    private Model.Event event(TypeElement type) {
        if (type.getKind() != ElementKind.RECORD || !type.getTypeParameters().isEmpty()
                || type.getModifiers().contains(Modifier.PRIVATE)) {
            throw new Refusal(type, "an event is a record, not private, without type parameters");
        }
        List<Model.Value> fields = new ArrayList<>();
        for (RecordComponentElement each : type.getRecordComponents()) {
            String name = checked(type, each.getSimpleName().toString());
            fields.add(new Model.Value(name, types.value(each.asType(), type), each.asType()));
        }
        return new Model.Event(checkedName(type), type, fields);
    }

    /** The methods of an interface of another contract. */
    List<Model.Method> external(TypeElement type) {
        if (type.getKind() != ElementKind.INTERFACE || !type.getTypeParameters().isEmpty()) {
            throw new Refusal(type, "@External marks an interface without type parameters");
        }
        List<Model.Method> methods = new ArrayList<>();
        for (ExecutableElement each : ElementFilter.methodsIn(type.getEnclosedElements())) {
            methods.add(method(each, false));
        }
        return methods;
    }

    Types types() {
        return types;
    }

    private static String checkedName(Element element) {
        return checked(element, element.getSimpleName().toString());
    }

    /** The name that the annotation gives, or else the method's own. */
    private static String calledName(ExecutableElement method) {
        return method.getAnnotationMirrors().stream()
                .filter(each -> each.getAnnotationType().toString().startsWith(PACKAGE))
                .flatMap(each -> each.getElementValues().values().stream())
                .map(each -> checked(method, each.getValue().toString()))
                .findFirst().orElseGet(() -> checkedName(method));
    }

    private static String checked(Element element, String name) {
        if (!NAME.matcher(name).matches()) {
            throw new Refusal(element, "a name is letters, digits and _, at most 64 of them");
        }
        return name;
    }

    static boolean has(Element element, String annotation) {
        return element.getAnnotationMirrors().stream().anyMatch(
                each -> each.getAnnotationType().toString().equals(PACKAGE + annotation));
    }

    private String doc(Element element) {
        String text = elements.getDocComment(element);
        return text == null ? "" : text.strip().replaceAll("\\s*\n\\s*", " ");
    }
}
