package quorate.contract.maven;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes of TeaVM's module one that keeps the contract ABI (docs/contract-abi.md, section 1).
 *
 * <p>TeaVM's asks its host for the memory and for two numbers about it, starts by itself, and
 * exports more than methods. Here the memory and the numbers become the module's own, every
 * method first calls what was the start function, and only methods are exported. All indices
 * stay as they are: what was imported is defined first, and what is new comes last.
 */
final class Linker {
    private static final int IMPORT = 2;
    private static final int FUNCTION = 3;
    private static final int MEMORY = 5;
    private static final int GLOBAL = 6;
    private static final int EXPORT = 7;
    private static final int START = 8;
    private static final int CODE = 10;
    /** The order of sections, by their numbers; custom sections are left out. */
    private static final int[] ORDER = {1, 2, 3, 4, 5, 13, 6, 7, 9, 12, 10, 11};

    private static final int KIND_FUNCTION = 0;
    private static final int KIND_MEMORY = 2;
    private static final int KIND_GLOBAL = 3;
    private static final int CALL = 0x10;
    private static final int I32_CONST = 0x41;
    private static final int END = 0x0b;

    private static final byte[] NONE = {0};
    private static final int HEADER = 8;
    private static final int PAGE = 65_536;
    private static final int PAGES_MAX = 256;
    private static final int HEAP_BYTES_MAX = 1 << 20;

    private final Map<Integer, byte[]> sections = new HashMap<>();
    private final int heapStart;
    private int functionsImported;
    private int globalsImported;

    private Linker(byte[] module, int heapStart) {
        this.heapStart = heapStart;
        Bytes.In in = new Bytes.In(module, HEADER);
        while (!in.isAtEnd()) {
            int id = in.u8();
            sections.put(id, in.take(in.u32()));
        }
    }

    /** The module with these exports, the first bytes of whose memory are not TeaVM's. */
    static byte[] link(byte[] module, List<String> methods, int heapStart) {
        Linker linker = new Linker(module, heapStart);
        linker.defineImports();
        linker.export(methods);
        Bytes.Out out = new Bytes.Out().raw(Arrays.copyOf(module, HEADER));
        for (int id : ORDER) {
            byte[] body = linker.sections.get(id);
            if (body != null) {
                out.section(id, body);
            }
        }
        return out.toBytes();
    }

    private Bytes.In open(int id) {
        return new Bytes.In(sections.getOrDefault(id, NONE), 0);
    }

    /** Keeps imported functions; what else is imported becomes the module's own. */
    private void defineImports() {
        Bytes.In in = open(IMPORT);
        Bytes.Out functions = new Bytes.Out();
        Bytes.Out globals = new Bytes.Out();
        for (int left = in.u32(); left > 0; left--) {
            int start = in.position();
            String module = in.name();
            String name = in.name();
            int kind = in.u8();
            if (kind == KIND_FUNCTION && module.equals("quorate")) {
                in.u32();
                functions.raw(in.since(start));
                functionsImported++;
            } else if (kind == KIND_MEMORY) {
                skipLimits(in);
            } else if (kind == KIND_GLOBAL) {
                globals.u8(in.u8()).u8(in.u8());
                globals.u8(I32_CONST).s32(valueOf(module, name)).u8(END);
                globalsImported++;
            } else {
                throw new NotOfferedException(module, name);
            }
        }
        sections.put(IMPORT, counted(functionsImported, functions.toBytes()));
        Bytes.In own = open(GLOBAL);
        int count = own.u32() + globalsImported;
        sections.put(GLOBAL, counted(count, globals.raw(own.rest()).toBytes()));
        int pages = heapStart / PAGE + 1;
        sections.put(MEMORY, new Bytes.Out().u32(1).u8(1).u32(pages).u32(PAGES_MAX).toBytes());
    }

    private static byte[] counted(int count, byte[] items) {
        return new Bytes.Out().u32(count).raw(items).toBytes();
    }

    private static void skipLimits(Bytes.In in) {
        boolean hasMaximum = in.u8() == 1;
        in.u32();
        if (hasMaximum) {
            in.u32();
        }
    }

    private int valueOf(String module, String name) {
        return switch (module + "." + name) {
            case "teavmMemory.heapOffset" -> heapStart;
            case "teavmMemory.maxSize" -> HEAP_BYTES_MAX;
            default -> throw new NotOfferedException(module, name);
        };
    }

    /** Exports the memory, and per method a new function that calls the start function first. */
    private void export(List<String> methods) {
        Map<String, Integer> exported = exportedFunctions();
        Bytes.In types = open(FUNCTION);
        int defined = types.u32();
        int[] typeOf = new int[defined];
        for (int i = 0; i < defined; i++) {
            typeOf[i] = types.u32();
        }
        Bytes.Out added = new Bytes.Out();
        Bytes.Out bodies = new Bytes.Out();
        Bytes.Out exports = new Bytes.Out().name("memory").u8(KIND_MEMORY).u32(0);
        int next = functionsImported + defined;
        for (String each : methods) {
            int target = exported.get(each);
            added.u32(typeOf[target - functionsImported]);
            byte[] body = body(target);
            bodies.u32(body.length).raw(body);
            exports.name(each).u8(KIND_FUNCTION).u32(next++);
        }
        append(FUNCTION, methods.size(), added);
        append(CODE, methods.size(), bodies);
        sections.put(EXPORT, counted(methods.size() + 1, exports.toBytes()));
    }

    private Map<String, Integer> exportedFunctions() {
        Map<String, Integer> functions = new HashMap<>();
        Bytes.In in = open(EXPORT);
        for (int left = in.u32(); left > 0; left--) {
            String name = in.name();
            boolean isFunction = in.u8() == KIND_FUNCTION;
            int index = in.u32();
            if (isFunction) {
                functions.put(name, index);
            }
        }
        return functions;
    }

    private byte[] body(int target) {
        Bytes.Out body = new Bytes.Out().u32(0);
        if (sections.containsKey(START)) {
            body.u8(CALL).u32(open(START).u32());
        }
        return body.u8(CALL).u32(target).u8(END).toBytes();
    }

    private void append(int id, int count, Bytes.Out items) {
        Bytes.In in = open(id);
        int before = in.u32();
        sections.put(id, new Bytes.Out()
                .u32(before + count).raw(in.rest()).raw(items.toBytes()).toBytes());
    }
}
