package zoo;

import static quorate.contract.Chain.emit;
import static quorate.contract.Chain.require;

import java.util.List;
import quorate.contract.Address;
import quorate.contract.Chain;
import quorate.contract.Contract;
import quorate.contract.Event;
import quorate.contract.GlobalMap;
import quorate.contract.Payable;
import quorate.contract.Public;
import quorate.contract.Revert;
import quorate.contract.U128;
import quorate.contract.U64;
import quorate.contract.View;

/** Every type and every way to fail, for the tests. */
@Contract
public class Zoo {
    static final int LIMIT = 3;

    boolean flag;
    byte small;
    int medium;
    long signed;
    U64 large;
    U128 huge;
    String text;
    byte[] bytes;
    Address address;
    List<Animal> animals;
    GlobalMap<String, GlobalMap<Long, Animal>> cages;
    GlobalMap<byte[], List<Long>> lists;
    transient int forgotten = 5;

    /** A record within a record. */
    record Tag(U64 number, String label) {
    }

    /** A record. */
    record Animal(String name, Tag tag, boolean wild, List<byte[]> marks) {
    }

    @Event
    record Fed(Animal animal, List<Long> times) {
    }

    @Event
    record Empty() {
    }

    record NoEvent(long value) {
    }

    Zoo() {
        text = "new";
        signed = -1;
    }

    @Public
    void set(boolean flag, byte small, int medium, long signed, U64 large, U128 huge) {
        this.flag = flag;
        this.small = small;
        this.medium = medium;
        this.signed = signed;
        this.large = large;
        this.huge = huge;
    }

    @Public
    void write(String text, byte[] bytes, Address address, List<Animal> animals) {
        this.text = text;
        this.bytes = bytes;
        this.address = address;
        this.animals = animals;
    }

    @View
    String describe() {
        return flag + " " + small + " " + medium + " " + signed + " " + large + " " + huge + " "
                + text + " " + bytes.length + " " + address.isZero() + " " + animals.size();
    }

    @View
    List<Animal> all() {
        return animals;
    }

    /** The list is changed in place, which must be noticed. */
    @Public
    int add(Animal animal) {
        animals.add(animal);
        return animals.size();
    }

    /** Nothing changes, so nothing is stored. */
    @Public
    void touch() {
        text = text + "";
        require(animals.size() >= 0, "never");
    }

    @Public
    void cage(String name, long number, Animal animal) {
        cages.get(name).set(number, animal);
        emit(new Fed(animal, List.of(number, -number)));
        emit(new Empty());
    }

    @View
    Animal caged(String name, long number) {
        return cages.get(name).get(number);
    }

    @Public
    boolean free(String name, long number) {
        boolean was = cages.get(name).contains(number);
        cages.get(name).remove(number);
        return was;
    }

    @Public
    void list(byte[] key, List<Long> values) {
        lists.set(key, values);
    }

    @View
    U64 u64(String operation, U64 left, U64 right) {
        return switch (operation) {
            case "+" -> left.plus(right);
            case "-" -> left.minus(right);
            case "*" -> left.times(right);
            case "/" -> left.dividedBy(right);
            default -> left.remainder(right);
        };
    }

    @View
    U128 u128(String operation, U128 left, U128 right) {
        return switch (operation) {
            case "+" -> left.plus(right);
            case "-" -> left.minus(right);
            case "*" -> left.times(right);
            case "/" -> left.dividedBy(right);
            default -> left.remainder(right);
        };
    }

    @View
    String decimal(U128 number, U64 other) {
        return number + " " + other;
    }

    @View
    long clock() {
        return System.currentTimeMillis() - Chain.timeMs();
    }

    @View
    int forgotten() {
        return forgotten++;
    }

    @Public
    void fail(int how) {
        text = "changed";
        switch (how) {
            case 0 -> throw new Revert("by itself");
            case 1 -> throw new IllegalStateException("in Java's way");
            case 2 -> throw new IllegalStateException();
            case 3 -> Math.addExact(Integer.MAX_VALUE, how);
            case 4 -> text = null;
            case 5 -> animals.get(how);
            case 6 -> medium = 1 / (how - 6);
            case 7 -> throw new Revert("ä".repeat(200));
            case 8 -> emit(new NoEvent(how));
            case 9 -> medium = -1;
            case 10 -> fail(how);
            case 11 -> new byte[how].clone()[how] = 1;
            case 12 -> Chain.transfer(address, U64.MAX);
            case 13 -> cages = null;
            default -> {
                StringBuilder long_ = new StringBuilder();
                while (true) {
                    long_.append(long_).append("grows");
                }
            }
        }
    }

    @View
    void peek() {
        cages.get("a").remove(1L);
    }

    /** What a view sets is not stored. */
    @View
    String pretend() {
        text = "pretended";
        return text;
    }

    @Payable
    @Public("pay_in")
    U64 payIn() {
        return Chain.value();
    }

    @Public
    void pay(Address to, U64 amount) {
        Chain.transfer(to, amount);
    }

    @View
    byte[] digest(byte[] data) {
        return Chain.sha256(data);
    }

    @View
    List<Address> who() {
        return List.of(Chain.caller(), Chain.origin(), Chain.self());
    }

    /** Another contract sees what this one has set, and this one what the other has changed. */
    @Public
    U64 visit(Address token, Address to, U64 amount) {
        Coin coin = new CoinAt(token);
        signed = 77;
        coin.move(to, amount);
        require(signed == 77, "lost");
        return coin.balanceOf(Chain.self());
    }

    @View
    boolean signed(byte[] key, byte[] signature, byte[] message) {
        return Chain.verify(key, signature, message);
    }
}
