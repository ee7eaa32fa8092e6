package quorate.contract.processor;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.lang.model.element.TypeElement;

/** The interface that is deployed with the code: docs/contract-abi.md, section 5. */
final class InterfaceWriter {
    private InterfaceWriter() {
    }

    static String write(Model model) {
        Map<String, Object> document = new HashMap<>();
        document.put("abi", 1);
        document.put("name", model.name());
        document.put("language", "java");
        document.put("records", records(model.types()));
        document.put("variables", model.fields().stream()
                .map(each -> List.of(each.name(), each.named().abi())).toList());
        document.put("constructor", constructor(model.constructor()));
        document.put("methods", model.methods().stream().map(InterfaceWriter::method).toList());
        document.put("events", model.events().stream()
                .map(each -> Map.of("name", each.name(), "fields", pairs(each.fields()))).toList());
        return Json.write(document);
    }

    private static List<List<String>> pairs(List<Model.Value> values) {
        return values.stream().map(each -> List.of(each.name(), each.named().abi())).toList();
    }

    private static Map<String, Object> records(Types types) {
        Map<String, Object> records = new HashMap<>();
        for (Map.Entry<String, TypeElement> each : types.records().entrySet()) {
            records.put(each.getKey(), each.getValue().getRecordComponents().stream()
                    .map(field -> List.of(
                            field.getSimpleName().toString(),
                            types.value(field.asType(), field).abi()))
                    .toList());
        }
        return records;
    }

    private static Map<String, Object> constructor(Model.Method method) {
        return Map.of(
                "parameters", pairs(method.parameters()),
                "payable", method.payable(),
                "doc", method.doc());
    }

    private static Map<String, Object> method(Model.Method method) {
        Map<String, Object> entry = new HashMap<>(constructor(method));
        entry.put("name", method.name());
        entry.put("returns", method.result() == null ? "" : method.result().named().abi());
        entry.put("view", method.view());
        return entry;
    }
}
