package quorate.contract.maven;

import java.util.Arrays;
import java.util.Set;
import org.teavm.model.BasicBlock;
import org.teavm.model.CallLocation;
import org.teavm.model.ClassHolder;
import org.teavm.model.ClassHolderTransformer;
import org.teavm.model.ClassHolderTransformerContext;
import org.teavm.model.ElementModifier;
import org.teavm.model.Instruction;
import org.teavm.model.MethodHolder;
import org.teavm.model.MethodReference;
import org.teavm.model.ValueType;
import org.teavm.model.emit.ProgramEmitter;
import org.teavm.model.emit.ValueEmitter;
import org.teavm.model.instructions.ConstructInstruction;
import org.teavm.model.instructions.InvokeInstruction;

/**
 * Changes classes on their way into the module.
 *
 * <p>Stack traces would ask for a JavaScript runtime, so there are none. The clock is the
 * block's. The generated class's native methods get their bodies, which Java can't write: an
 * object without its constructor, and a constructor run on an object that is there. And what the
 * contract reads or sets of its fields goes through that class, which loads and stores them.
 */
public final class Rewiring implements ClassHolderTransformer {
    private static final MethodReference CLOCK =
            new MethodReference("java.lang.System", "currentTimeMillis", ValueType.LONG);
    private static final MethodReference BLOCK_TIME =
            new MethodReference("quorate.contract.host.Host", "timeMs", ValueType.LONG);
    /** The usual ways to what would differ from one validator to the next. */
    private static final Set<MethodReference> NOT_OFFERED = Set.of(
            new MethodReference("java.lang.Math", "random", ValueType.DOUBLE),
            new MethodReference("java.lang.Thread", "start", ValueType.VOID),
            new MethodReference("java.util.Random", "<init>", ValueType.VOID));

    /** For TeaVM. */
    public Rewiring() {
    }

    @Override
    public void transformClass(ClassHolder type, ClassHolderTransformerContext context) {
        for (MethodHolder each : type.getMethods()) {
            if (type.getName().equals("java.lang.Throwable")) {
                dropStackTrace(each, context);
            } else if (type.getName().equals("org.teavm.runtime.heap.Heap")) {
                dropNotice(each, context);
            } else if (Fields.GLUE.equals(type.getParent())) {
                writeBody(each, context);
            }
            redirect(type, each, context);
        }
    }

    private static ProgramEmitter rewrite(
            MethodHolder method, ClassHolderTransformerContext context) {
        method.getModifiers().remove(ElementModifier.NATIVE);
        return ProgramEmitter.create(method, context.getHierarchy());
    }

    private static void dropStackTrace(
            MethodHolder method, ClassHolderTransformerContext context) {
        if (method.getName().equals("fillInStackTrace")) {
            rewrite(method, context).var(0, method.getResultType()).returnValue();
        } else if (method.getName().equals("ensureStackTrace")) {
            rewrite(method, context).exit();
        }
    }

    private static void dropNotice(MethodHolder method, ClassHolderTransformerContext context) {
        if (method.getName().equals("notifyHeapResized")) {
            method.getAnnotations().remove("org.teavm.interop.Import");
            rewrite(method, context).exit();
        }
    }

    private static void writeBody(MethodHolder method, ClassHolderTransformerContext context) {
        if (method.getName().equals("allocate")) {
            ProgramEmitter program = rewrite(method, context);
            ConstructInstruction construct = new ConstructInstruction();
            construct.setType(((ValueType.Object) method.getResultType()).getClassName());
            construct.setReceiver(program.getProgram().createVariable());
            program.addInstruction(construct);
            program.var(construct.getReceiver(), method.getResultType()).returnValue();
        } else if (method.getName().equals("construct")) {
            construct(method, rewrite(method, context));
        }
    }

    private static void construct(MethodHolder method, ProgramEmitter program) {
        ValueType[] types = method.getParameterTypes();
        ValueEmitter[] arguments = new ValueEmitter[types.length - 1];
        for (int i = 1; i < types.length; i++) {
            arguments[i - 1] = program.var(i + 1, types[i]);
        }
        ValueType[] signature = Arrays.copyOfRange(types, 1, types.length + 1);
        signature[signature.length - 1] = ValueType.VOID;
        String type = ((ValueType.Object) types[0]).getClassName();
        program.var(1, types[0])
                .invokeSpecial(new MethodReference(type, "<init>", signature), arguments);
        program.exit();
    }

    private static void redirect(
            ClassHolder type, MethodHolder method, ClassHolderTransformerContext context) {
        if (method.getProgram() == null) {
            return;
        }
        for (BasicBlock block : method.getProgram().getBasicBlocks()) {
            for (Instruction each : block) {
                if (each instanceof InvokeInstruction invoke && invoke.getMethod().equals(CLOCK)) {
                    invoke.setMethod(BLOCK_TIME);
                } else if (each instanceof InvokeInstruction invoke
                        && NOT_OFFERED.contains(invoke.getMethod())
                        && !type.getName().startsWith("java.")) {
                    context.getDiagnostics().error(
                            new CallLocation(method.getReference(), each.getLocation()),
                            "there is neither randomness nor a thread on a chain: {{m0}}",
                            invoke.getMethod());
                } else if (!Fields.GLUE.equals(type.getParent())) {
                    Fields.redirect(each, context.getHierarchy().getClassSource());
                }
            }
        }
    }
}
