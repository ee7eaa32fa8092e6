package quorate.contract.processor;

import java.util.List;
import javax.lang.model.element.TypeElement;
import javax.lang.model.type.TypeMirror;

/** A contract as its source declares it. */
record Model(
        TypeElement type,
        List<Field> fields,
        Method constructor,
        List<Method> methods,
        List<Event> events,
        Types types) {

    /** A global variable; of a map the codec is a pair. */
    record Field(String name, Types.Named named, TypeMirror type, boolean isMap) {
    }

    /** A value with a name. */
    record Value(String name, Types.Named named, TypeMirror type) {
    }

    /** A method, or the constructor; a result that is null is none. */
    record Method(
            String javaName, String name, List<Value> parameters, Value result, boolean view, boolean payable,
            String doc) {
    }

    /** An event. */
    record Event(String name, TypeElement type, List<Value> fields) {
    }

    String name() {
        return type.getSimpleName().toString();
    }

}
