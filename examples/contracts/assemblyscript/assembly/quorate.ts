// What the chain offers (docs/contract-abi.md), and values as it writes them.

@external("quorate", "input_size") declare function inputSize(): i32;
@external("quorate", "input") declare function input(target: usize): void;
@external("quorate", "output") declare function setOutput(at: usize, size: i32): void;
@external("quorate", "load")
declare function loadRecord(key: usize, keySize: i32, target: usize, room: i32): i32;
@external("quorate", "store")
declare function storeRecord(key: usize, keySize: i32, at: usize, size: i32): void;
@external("quorate", "caller") declare function getCaller(target: usize): void;
@external("quorate", "value") declare function getValue(): u64;
@external("quorate", "emit")
declare function emitEvent(name: usize, nameSize: i32, at: usize, size: i32): void;
@external("quorate", "revert")
declare function revertWith(text: usize, size: i32, line: i32): void;

const ADDRESS_SIZE: i32 = 32;

/** Ends the transaction: nothing of it takes effect, and the receipt carries the text. */
export function revert(text: string, line: i32 = 0): void {
  const bytes = String.UTF8.encode(text);
  revertWith(changetype<usize>(bytes), bytes.byteLength, line);
  unreachable();
}

/** What the compiler calls for a failed assert; it ends the transaction too. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  revert(message === null ? "failed" : <string>message, line);
}

/** Takes the arguments of this call off, one after the other, strictly. */
export class Arguments {
  private bytes: ArrayBuffer;
  private at: i32 = 0;

  /** A method that is not payable reverts if native tokens came with the call. */
  constructor() {
    if (getValue() != 0) revert("this method takes no value");
    this.bytes = new ArrayBuffer(inputSize());
    input(changetype<usize>(this.bytes));
  }

  private take(size: i32): usize {
    if (size > this.bytes.byteLength - this.at) revert("input is too short");
    this.at += size;
    return changetype<usize>(this.bytes) + this.at - size;
  }

  u64(): u64 {
    return load<u64>(this.take(8));
  }

  address(): Address {
    const address = new Address();
    memory.copy(changetype<usize>(address.bytes), this.take(ADDRESS_SIZE), ADDRESS_SIZE);
    return address;
  }

  end(): void {
    if (this.at != this.bytes.byteLength) revert("input is too long");
  }
}

/** An account or a contract. */
export class Address {
  bytes: ArrayBuffer = new ArrayBuffer(ADDRESS_SIZE);
}

/** Who called. */
export function caller(): Address {
  const address = new Address();
  getCaller(changetype<usize>(address.bytes));
  return address;
}

/** Lays values out one after the other. */
export class Values {
  private bytes: ArrayBuffer = new ArrayBuffer(512);
  private size: i32 = 0;

  private give(size: i32): usize {
    if (size > this.bytes.byteLength - this.size) revert("too long");
    this.size += size;
    return changetype<usize>(this.bytes) + this.size - size;
  }

  u64(value: u64): Values {
    store<u64>(this.give(8), value);
    return this;
  }

  address(value: Address): Values {
    memory.copy(this.give(ADDRESS_SIZE), changetype<usize>(value.bytes), ADDRESS_SIZE);
    return this;
  }

  /** The first part of the key of a variable or map: the length of its name, and the name. */
  name(name: string): Values {
    const text = String.UTF8.encode(name);
    store<u8>(this.give(1), <u8>text.byteLength);
    memory.copy(this.give(text.byteLength), changetype<usize>(text), text.byteLength);
    return this;
  }

  output(): void {
    setOutput(changetype<usize>(this.bytes), this.size);
  }

  emit(name: string): void {
    const text = String.UTF8.encode(name);
    emitEvent(changetype<usize>(text), text.byteLength, changetype<usize>(this.bytes), this.size);
  }

  /** What the record with this key holds; 0 if there is none. */
  loadU64(): u64 {
    const target = new ArrayBuffer(8);
    const size = loadRecord(changetype<usize>(this.bytes), this.size, changetype<usize>(target), 8);
    if (size >= 0 && size != 8) revert("a record of another size");
    return load<u64>(changetype<usize>(target));
  }

  /** Stores a record with this key; 0 is no record. */
  storeU64(value: u64): void {
    const source = new ArrayBuffer(8);
    store<u64>(changetype<usize>(source), value);
    const size = value == 0 ? 0 : 8;
    storeRecord(changetype<usize>(this.bytes), this.size, changetype<usize>(source), size);
  }
}

/** A global variable; one that was never stored reads as 0. */
export class VariableU64 {
  constructor(private name: string) {}

  get(): u64 {
    return new Values().name(this.name).loadU64();
  }

  set(value: u64): void {
    new Values().name(this.name).storeU64(value);
  }
}

/** A map whose every entry is a record of its own. */
export class MapAddressU64 {
  constructor(private name: string) {}

  get(key: Address): u64 {
    return new Values().name(this.name).address(key).loadU64();
  }

  set(key: Address, value: u64): void {
    new Values().name(this.name).address(key).storeU64(value);
  }
}
