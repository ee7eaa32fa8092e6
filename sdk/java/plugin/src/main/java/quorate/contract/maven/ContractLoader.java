package quorate.contract.maven;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.Collections;
import java.util.Enumeration;
import java.util.regex.Pattern;

/**
 * The classes a contract may use: its own and TeaVM's, not those of the JDK that runs the build.
 *
 * <p>So the module does not depend on which JDK that is, and what TeaVM lacks is named where the
 * contract uses it.
 */
final class ContractLoader extends URLClassLoader {
    private static final Pattern JDK = Pattern.compile("(java|javax|jdk|sun|com/sun)/.*\\.class");

    ContractLoader(URL[] urls, ClassLoader parent) {
        super(urls, parent);
    }

    @Override
    public URL getResource(String name) {
        return JDK.matcher(name).matches() ? null : super.getResource(name);
    }

    @Override
    public Enumeration<URL> getResources(String name) throws IOException {
        return JDK.matcher(name).matches()
                ? Collections.emptyEnumeration() : super.getResources(name);
    }

    @Override
    public InputStream getResourceAsStream(String name) {
        return JDK.matcher(name).matches() ? null : super.getResourceAsStream(name);
    }
}
