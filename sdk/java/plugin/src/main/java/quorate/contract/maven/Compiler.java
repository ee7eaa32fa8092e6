package quorate.contract.maven;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.maven.plugin.MojoFailureException;
import org.teavm.diagnostics.DefaultProblemTextConsumer;
import org.teavm.diagnostics.Problem;
import org.teavm.model.CallLocation;
import org.teavm.tooling.TeaVMTargetType;
import org.teavm.tooling.TeaVMTool;
import org.teavm.tooling.TeaVMToolException;
import org.teavm.vm.TeaVMOptimizationLevel;

/** Java classes to WebAssembly, by TeaVM. */
final class Compiler {
    /** quorate.contract.host.Area.END: below it lie the contract's own areas. */
    private static final int HEAP_START = 65_024;

    private static final int PROBLEMS_SHOWN = 10;

    private final ClassLoader loader;
    private final Path folder;

    Compiler(ClassLoader loader, Path folder) {
        this.loader = loader;
        this.folder = folder;
    }

    byte[] compile(Contract contract) throws IOException, MojoFailureException {
        TeaVMTool tool = tool(contract);
        try {
            tool.generate();
        } catch (TeaVMToolException problem) {
            throw new MojoFailureException("TeaVM gave up: " + problem.getMessage(), problem);
        }
        List<Problem> problems = tool.getProblemProvider().getSevereProblems();
        if (!problems.isEmpty()) {
            throw new MojoFailureException(problems.stream().map(Compiler::describe)
                    .distinct().limit(PROBLEMS_SHOWN).collect(Collectors.joining("\n")));
        }
        byte[] module = Files.readAllBytes(folder.resolve("contract.wasm"));
        return Linker.link(module, contract.methods(), HEAP_START);
    }

    private TeaVMTool tool(Contract contract) {
        TeaVMTool tool = new TeaVMTool();
        tool.setTargetType(TeaVMTargetType.WEBASSEMBLY_GC);
        tool.setOptimizationLevel(TeaVMOptimizationLevel.ADVANCED);
        tool.setObfuscated(true);
        tool.setStrict(true);
        tool.setMinDirectBuffersSize(0);
        tool.setMainClass(contract.glue());
        tool.setTargetDirectory(folder.toFile());
        tool.setTargetFileName("contract.wasm");
        tool.setClassLoader(loader);
        tool.getTransformers().add(Rewiring.class.getName());
        return tool;
    }

    private static String describe(Problem problem) {
        DefaultProblemTextConsumer text = new DefaultProblemTextConsumer();
        problem.render(text);
        CallLocation location = problem.getLocation();
        if (location == null || location.getSourceLocation() == null) {
            return text.getText();
        }
        return location.getSourceLocation().getFileName() + ":"
                + location.getSourceLocation().getLine() + ": " + text.getText();
    }
}
