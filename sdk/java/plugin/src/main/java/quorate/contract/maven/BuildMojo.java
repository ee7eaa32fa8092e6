package quorate.contract.maven;

import java.io.File;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import org.apache.maven.artifact.DependencyResolutionRequiredException;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugins.annotations.LifecyclePhase;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;
import org.apache.maven.plugins.annotations.ResolutionScope;
import org.apache.maven.project.MavenProject;

/** Turns the compiled contract into {@code target/<name>.wasm} and {@code target/<name>.json}. */
@Mojo(
        name = "build",
        defaultPhase = LifecyclePhase.PREPARE_PACKAGE,
        requiresDependencyResolution = ResolutionScope.COMPILE,
        threadSafe = true)
public final class BuildMojo extends AbstractMojo {
    /** docs/contract-abi.md, section 6. */
    private static final int CODE_BYTES_MAX = 60_000;
    private static final String FOLDER = "META-INF/quorate";

    @Parameter(defaultValue = "${project}", readonly = true)
    private MavenProject project;

    /** For Maven. */
    public BuildMojo() {
    }

    @Override
    public void execute() throws MojoExecutionException, MojoFailureException {
        if (project.getPackaging().equals("pom")) {
            return;
        }
        Path classes = Path.of(project.getBuild().getOutputDirectory());
        Path target = Path.of(project.getBuild().getDirectory());
        Path description = classes.resolve(FOLDER).resolve("contract");
        if (!Files.exists(description)) {
            throw new MojoFailureException("no class here is marked @Contract");
        }
        try (ContractLoader loader = loader()) {
            Contract contract = Contract.parse(Files.readString(description));
            byte[] code = new Compiler(loader, target.resolve("teavm")).compile(contract);
            if (code.length > CODE_BYTES_MAX) {
                throw new MojoFailureException("the contract takes " + code.length + " bytes, and "
                        + CODE_BYTES_MAX + " are allowed: String.format alone takes 200,000, "
                        + "HashMap, BigInteger and streams together 20,000");
            }
            String name = project.getArtifactId();
            Files.write(target.resolve(name + ".wasm"), code);
            Files.copy(
                    classes.resolve(FOLDER).resolve("interface.json"),
                    target.resolve(name + ".json"),
                    StandardCopyOption.REPLACE_EXISTING);
            getLog().info(name + ".wasm: " + code.length + " bytes");
        } catch (IOException problem) {
            throw new MojoExecutionException("the contract could not be written", problem);
        } catch (NotOfferedException problem) {
            throw new MojoFailureException(problem.getMessage());
        }
    }

    private ContractLoader loader() throws MojoExecutionException {
        try {
            List<URL> urls = new ArrayList<>();
            for (String each : project.getCompileClasspathElements()) {
                urls.add(new File(each).toURI().toURL());
            }
            return new ContractLoader(urls.toArray(new URL[0]), getClass().getClassLoader());
        } catch (DependencyResolutionRequiredException | MalformedURLException problem) {
            throw new MojoExecutionException("the class path is not known", problem);
        }
    }
}
