package quorate.contract.maven;

import org.teavm.model.ClassReader;
import org.teavm.model.ClassReaderSource;
import org.teavm.model.FieldReference;
import org.teavm.model.Instruction;
import org.teavm.model.MethodReference;
import org.teavm.model.ValueType;
import org.teavm.model.instructions.GetFieldInstruction;
import org.teavm.model.instructions.InvocationType;
import org.teavm.model.instructions.InvokeInstruction;
import org.teavm.model.instructions.PutFieldInstruction;

/** Turns an access to a stored field into a call of the generated class. */
final class Fields {
    /** What every generated class extends. */
    static final String GLUE = "quorate.contract.host.Glue";

    private static final String SUFFIX = "Glue";

    private Fields() {
    }

    static void redirect(Instruction instruction, ClassReaderSource classes) {
        if (instruction instanceof GetFieldInstruction get && mayBeStored(get.getField())) {
            InvokeInstruction call = call(
                    get.getField(), "get_", new ValueType[] {get.getFieldType()});
            call.setArguments(get.getInstance());
            call.setReceiver(get.getReceiver());
            replace(instruction, call, classes);
        } else if (instruction instanceof PutFieldInstruction put
                && mayBeStored(put.getField())) {
            InvokeInstruction call = call(
                    put.getField(), "set_", new ValueType[] {put.getFieldType(), ValueType.VOID});
            call.setArguments(put.getInstance(), put.getValue());
            replace(instruction, call, classes);
        }
    }

    /** Spares a look for the generated class of every class of the library. */
    private static boolean mayBeStored(FieldReference field) {
        String type = field.getClassName();
        return !type.startsWith("java.") && !type.startsWith("org.teavm.")
                && !type.startsWith("quorate.contract.");
    }

    private static InvokeInstruction call(FieldReference field, String what, ValueType[] rest) {
        ValueType[] signature = new ValueType[rest.length + 1];
        signature[0] = ValueType.object(field.getClassName());
        System.arraycopy(rest, 0, signature, 1, rest.length);
        InvokeInstruction call = new InvokeInstruction();
        call.setType(InvocationType.SPECIAL);
        call.setMethod(new MethodReference(
                field.getClassName() + SUFFIX, what + field.getFieldName(), signature));
        return call;
    }

    /** A field that is static, or not stored, has no such method, and stays as it is. */
    private static void replace(
            Instruction old, InvokeInstruction call, ClassReaderSource classes) {
        ClassReader type = classes.get(call.getMethod().getClassName());
        if (type != null && GLUE.equals(type.getParent())
                && type.getMethod(call.getMethod().getDescriptor()) != null) {
            call.setLocation(old.getLocation());
            old.replace(call);
        }
    }
}
