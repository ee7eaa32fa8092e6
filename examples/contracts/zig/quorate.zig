//! What the chain offers (docs/contract-abi.md), and values as it writes them.

const host = struct {
    extern "quorate" fn input_size() usize;
    extern "quorate" fn input(ptr: [*]u8) void;
    extern "quorate" fn output(ptr: [*]const u8, len: usize) void;
    extern "quorate" fn load(key: [*]const u8, len: usize, out: [*]u8, room: usize) i32;
    extern "quorate" fn store(key: [*]const u8, len: usize, ptr: [*]const u8, size: usize) void;
    extern "quorate" fn caller(out: [*]u8) void;
    extern "quorate" fn value() u64;
    extern "quorate" fn emit(name: [*]const u8, len: usize, ptr: [*]const u8, size: usize) void;
    extern "quorate" fn revert(ptr: [*]const u8, len: usize, line: u32) noreturn;
};

pub const Address = [32]u8;

/// Ends the transaction; nothing of it takes effect, and the receipt carries the text and the line.
pub fn revert(text: []const u8, line: u32) noreturn {
    host.revert(text.ptr, text.len, line);
}

pub fn caller() Address {
    var address: Address = undefined;
    host.caller(&address);
    return address;
}

/// The arguments of this call, which must be exactly the fields of `Arguments`, in order.
/// A method that is not payable reverts if native tokens came with the call.
pub fn arguments(comptime Arguments: type) Arguments {
    if (host.value() != 0) revert("this method takes no value", 0);
    const size = comptime sizeOf(Arguments);
    if (host.input_size() != size) revert("arguments of another size", 0);
    var bytes: [size]u8 = undefined;
    host.input(&bytes);
    return decode(Arguments, &bytes);
}

/// The result of this call.
pub fn output(result: anytype) void {
    const bytes = encode(result);
    host.output(&bytes, bytes.len);
}

/// An event: its name, and a struct of its fields.
pub fn emit(comptime name: []const u8, fields: anytype) void {
    const bytes = encode(fields);
    host.emit(name.ptr, name.len, &bytes, bytes.len);
}

/// A global variable; one that was never stored reads as zero.
pub fn Variable(comptime name: []const u8, comptime T: type) type {
    const key = [_]u8{name.len} ++ name;
    return struct {
        pub fn get() T {
            return load(key, T);
        }

        pub fn set(new: T) void {
            store(key, new);
        }
    };
}

/// A map whose every entry is a record of its own.
pub fn Map(comptime name: []const u8, comptime K: type, comptime V: type) type {
    const prefix = ([_]u8{name.len} ++ name).*;
    return struct {
        pub fn get(key: K) V {
            return load(&(prefix ++ encode(key)), V);
        }

        pub fn set(key: K, new: V) void {
            store(&(prefix ++ encode(key)), new);
        }
    };
}

fn load(key: []const u8, comptime T: type) T {
    var bytes: [sizeOf(T)]u8 = @splat(0);
    const size = host.load(key.ptr, key.len, &bytes, bytes.len);
    if (size >= 0 and size != bytes.len) revert("a record of another size", 0);
    return decode(T, &bytes);
}

/// Stores a value; the zero of its type, which is zeros only, is no record.
fn store(key: []const u8, new: anytype) void {
    const bytes = encode(new);
    var any: u8 = 0;
    for (bytes) |byte| any |= byte;
    host.store(key.ptr, key.len, &bytes, if (any == 0) 0 else bytes.len);
}

fn sizeOf(comptime T: type) usize {
    return switch (@typeInfo(T)) {
        .bool => 1,
        .int => |int| int.bits / 8,
        .array => |array| array.len,
        .@"struct" => |record| size: {
            var sum: usize = 0;
            for (record.field_types) |Field| sum += sizeOf(Field);
            break :size sum;
        },
        else => @compileError("no value of a contract"),
    };
}

fn encode(from: anytype) [sizeOf(@TypeOf(from))]u8 {
    const T = @TypeOf(from);
    var bytes: [sizeOf(T)]u8 = undefined;
    switch (@typeInfo(T)) {
        .bool => bytes[0] = @intFromBool(from),
        .int => bytes = @bitCast(from),
        .array => bytes = from,
        .@"struct" => |record| {
            comptime var at: usize = 0;
            inline for (record.field_names, record.field_types) |name, Field| {
                const size = comptime sizeOf(Field);
                bytes[at..][0..size].* = encode(@field(from, name));
                at += size;
            }
        },
        else => comptime unreachable,
    }
    return bytes;
}

fn decode(comptime T: type, bytes: *const [sizeOf(T)]u8) T {
    switch (@typeInfo(T)) {
        .bool => {
            if (bytes[0] > 1) revert("a bool is 0 or 1", 0);
            return bytes[0] == 1;
        },
        .int => return @bitCast(bytes.*),
        .array => return bytes.*,
        .@"struct" => |record| {
            var result: T = undefined;
            comptime var at: usize = 0;
            inline for (record.field_names, record.field_types) |name, Field| {
                const size = comptime sizeOf(Field);
                @field(result, name) = decode(Field, bytes[at..][0..size]);
                at += size;
            }
            return result;
        },
        else => comptime unreachable,
    }
}
