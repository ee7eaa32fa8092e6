// Memory for the objects of one call: nothing is ever freed, for the instance ends with the call.
// The compiler's own runtimes set themselves up in a start function, which contracts don't have.

const ALIGNED: usize = 16;
/** What the compiler expects before an object; its last two words are its class and its size. */
const HEADER: usize = 20;
const PAGE_BITS: usize = 16;

let top: usize = 0;

// @ts-ignore: decorator
@unsafe @global
function __new(size: usize, id: u32): usize {
  if (top == 0) top = __heap_base;
  const at = (top + HEADER + ALIGNED - 1) & ~(ALIGNED - 1);
  top = at + size;
  if (top < at) unreachable();
  const pages = <i32>((top + (1 << PAGE_BITS) - 1) >> PAGE_BITS) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) unreachable();
  store<u32>(at - 8, id);
  store<u32>(at - 4, <u32>size);
  return at;
}

// @ts-ignore: decorator
@unsafe @global
function __renew(old: usize, size: usize): usize {
  const at = __new(size, load<u32>(old - 8));
  memory.copy(at, old, min<usize>(load<u32>(old - 4), size));
  return at;
}

// @ts-ignore: decorator
@unsafe @global
function __link(parent: usize, child: usize, many: bool): void {}

// @ts-ignore: decorator
@unsafe @global
function __pin(at: usize): usize {
  return at;
}

// @ts-ignore: decorator
@unsafe @global
function __unpin(at: usize): void {}

// @ts-ignore: decorator
@unsafe @global
function __visit(at: usize, cookie: u32): void {}

// @ts-ignore: decorator
@unsafe @global
function __collect(): void {}
