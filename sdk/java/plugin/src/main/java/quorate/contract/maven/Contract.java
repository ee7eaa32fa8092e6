package quorate.contract.maven;

import java.util.List;

/** What the annotation processor found: the contract's class, the class to export, the methods. */
record Contract(String name, String glue, List<String> methods) {
    static Contract parse(String description) {
        List<String> lines = description.lines().toList();
        return new Contract(lines.get(0), lines.get(1), lines.subList(2, lines.size()));
    }
}
