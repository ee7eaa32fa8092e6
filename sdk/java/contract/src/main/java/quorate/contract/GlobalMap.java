package quorate.contract;

/**
 * A global variable with any number of entries, each stored, and paid for, by itself.
 *
 * <p>An entry that was never set reads as its type's zero, and setting an entry to that zero
 * removes it. The entries can't be listed. The build makes the map: a field is declared, never
 * assigned. A value may be another map; more than two levels are refused.
 */
public abstract class GlobalMap<K, V> {
    /** Only the build makes maps. */
    protected GlobalMap() {
    }

    /** The entry's value, or the type's zero. */
    public abstract V get(K key);

    /** Sets the entry. */
    public abstract void set(K key, V value);

    /** Removes the entry: its deposit goes to who signed the call. */
    public abstract void remove(K key);

    /** Whether the entry has a value other than the type's zero. */
    public abstract boolean contains(K key);
}
