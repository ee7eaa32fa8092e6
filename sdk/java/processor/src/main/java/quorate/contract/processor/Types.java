package quorate.contract.processor;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.lang.model.element.Element;
import javax.lang.model.element.ElementKind;
import javax.lang.model.element.Modifier;
import javax.lang.model.element.RecordComponentElement;
import javax.lang.model.element.TypeElement;
import javax.lang.model.type.ArrayType;
import javax.lang.model.type.DeclaredType;
import javax.lang.model.type.TypeKind;
import javax.lang.model.type.TypeMirror;

/** What a Java type is called in an interface, and which codec writes it. */
final class Types {
    private static final String HOST = "quorate.contract.host.";
    private static final String CODEC = HOST + "Codec.";
    private static final String MAP = "quorate.contract.GlobalMap";
    private static final String OFFER =
            "use boolean, byte (u8), int (u32), long (i64), U64, U128, Address, String, byte[], "
            + "List<T>, or a record";

    private static final Map<String, Named> SIMPLE = Map.ofEntries(
            Map.entry("boolean", new Named("bool", CODEC + "BOOL")),
            Map.entry("java.lang.Boolean", new Named("bool", CODEC + "BOOL")),
            Map.entry("byte", new Named("u8", CODEC + "BYTE")),
            Map.entry("java.lang.Byte", new Named("u8", CODEC + "BYTE")),
            Map.entry("int", new Named("u32", CODEC + "INT")),
            Map.entry("java.lang.Integer", new Named("u32", CODEC + "INT")),
            Map.entry("long", new Named("i64", CODEC + "LONG")),
            Map.entry("java.lang.Long", new Named("i64", CODEC + "LONG")),
            Map.entry("quorate.contract.U64", new Named("u64", CODEC + "U64")),
            Map.entry("quorate.contract.U128", new Named("u128", CODEC + "U128")),
            Map.entry("quorate.contract.Address", new Named("Address", CODEC + "ADDRESS")),
            Map.entry("byte[]", new Named("bytes", CODEC + "BYTES")),
            Map.entry("java.lang.String", new Named("str", CODEC + "STRING")));

    private final Map<String, TypeElement> records = new LinkedHashMap<>();
    private final List<String> open = new ArrayList<>();

    /** A type as the interface writes it, and the expression that is its codec. */
    record Named(String abi, String codec) {
    }

    /** The records met so far, by their names in the interface; inner ones first. */
    Map<String, TypeElement> records() {
        return records;
    }

    /** A parameter, a result, a field of a record, an item, or a value. */
    Named value(TypeMirror type, Element where) {
        Named simple = SIMPLE.get(name(type));
        if (simple != null) {
            return simple;
        }
        if (type.getKind() == TypeKind.DECLARED) {
            DeclaredType declared = (DeclaredType) type;
            if (name(type).equals("java.util.List") && declared.getTypeArguments().size() == 1) {
                Named item = value(declared.getTypeArguments().get(0), where);
                return new Named(
                        "List[" + item.abi() + "]",
                        "new " + CODEC + "ListCodec<>(" + item.codec() + ")");
            }
            if (declared.asElement().getKind() == ElementKind.RECORD) {
                return record((TypeElement) declared.asElement(), where);
            }
            if (name(type).equals(MAP)) {
                throw new Refusal(where, "a GlobalMap can only be a field of the contract");
            }
        }
        throw new Refusal(where, "the type " + type + " can't be stored or passed: " + OFFER);
    }

    private Named record(TypeElement type, Element where) {
        String name = type.getSimpleName().toString();
        if (open.contains(name)) {
            throw new Refusal(where, "the record " + name + " contains itself");
        }
        TypeElement known = records.get(name);
        if (known != null && !known.equals(type)) {
            throw new Refusal(where, "two records are called " + name);
        }
        if (known == null) {
            if (!type.getTypeParameters().isEmpty()
                    || type.getModifiers().contains(Modifier.PRIVATE)) {
                throw new Refusal(type, "a record of a contract is not private, and has no type "
                        + "parameters");
            }
            open.add(name);
            for (RecordComponentElement each : type.getRecordComponents()) {
                // The compiler knows no place of a component, but of its record.
                value(each.asType(), type);
            }
            open.remove(name);
            records.put(name, type);
        }
        return new Named(name, "RECORD_" + name);
    }

    /** Whether a field of this type is a map. */
    static boolean isMap(TypeMirror type) {
        return name(type).equals(MAP);
    }

    /** The type of a map, and the two codecs of its keys and values. */
    Named map(TypeMirror type, Element where) {
        return map(type, where, 1);
    }

    private Named map(TypeMirror type, Element where, int level) {
        List<? extends TypeMirror> parts = ((DeclaredType) type).getTypeArguments();
        if (parts.size() != 2) {
            throw new Refusal(where, "write the types: GlobalMap<Key, Value>");
        }
        Named key = value(parts.get(0), where);
        Named inner;
        if (isMap(parts.get(1))) {
            if (level == 2) {
                throw new Refusal(where, "maps nest once: GlobalMap<K, GlobalMap<L, V>>");
            }
            Named nested = map(parts.get(1), where, level + 1);
            inner = new Named(
                    nested.abi(), "new " + HOST + "Maps.Nested<>(" + nested.codec() + ")");
        } else {
            inner = value(parts.get(1), where);
        }
        return new Named(
                "Map[" + key.abi() + ", " + inner.abi() + "]", key.codec() + ", " + inner.codec());
    }

    private static String name(TypeMirror type) {
        if (type.getKind() == TypeKind.DECLARED) {
            return ((TypeElement) ((DeclaredType) type).asElement()).getQualifiedName().toString();
        }
        if (type.getKind() == TypeKind.ARRAY) {
            return name(((ArrayType) type).getComponentType()) + "[]";
        }
        return type.getKind().isPrimitive() ? type.getKind().name().toLowerCase(java.util.Locale.ROOT) : "";
    }
}
