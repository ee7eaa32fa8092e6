"""Programs in WebAssembly text that use all that contracts may: for tests of what they do.

Each exports methods () → () that leave what they found in memory, from byte 0.
"""

import functools
from typing import Final

import wasmtime

PLAIN_TEXT: Final = """
(module
  (import "quorate" "input_size" (func $input_size (result i32)))
  (import "quorate" "output" (func $output (param i32 i32)))
  (type $binary (func (param i64 i64) (result i64)))
  (type $pair (func (param i64) (result i64 i64)))
  (memory (export "memory") 1 4)
  (table 4 funcref)
  (elem (i32.const 1) $add $mul $fib2)
  (global $seed (mut i64) (i64.const 88172645463325252))
  (global $step i64 (i64.const 3))
  (data (i32.const 1024) "quorate")
  (func $add (type $binary) (i64.add (local.get 0) (local.get 1)))
  (func $mul (type $binary) (i64.mul (local.get 0) (local.get 1)))
  (func $next (result i64)
    (global.set $seed (i64.xor (global.get $seed) (i64.shl (global.get $seed) (i64.const 13))))
    (global.set $seed (i64.xor (global.get $seed) (i64.shr_u (global.get $seed) (i64.const 7))))
    (global.set $seed (i64.xor (global.get $seed) (i64.shl (global.get $seed) (i64.const 17))))
    (global.get $seed))
  (func $fib (param i64) (result i64)
    (if (result i64) (i64.lt_u (local.get 0) (i64.const 2))
      (then (local.get 0))
      (else (i64.add (call $fib (i64.sub (local.get 0) (i64.const 1)))
                     (call $fib (i64.sub (local.get 0) (i64.const 2)))))))
  (func $fib2 (type $binary) (call $fib (i64.and (local.get 0) (i64.const 15))))
  (func $even (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (call $odd (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 1))))
  (func $odd (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (call $even (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0))))
  (func $both (type $pair) (i64.div_u (local.get 0) (i64.const 7))
    (i64.rem_u (local.get 0) (i64.const 7)))
  (func (export "init") (i32.store (i32.const 0) (call $input_size)))
  (func (export "recursion") (i64.store (i32.const 0) (call $fib (i64.const 17)))
    (i32.store (i32.const 8) (call $even (i32.const 301))))
  (func (export "indirect") (local $i i32) (local $sum i64)
    (loop $again
      (local.set $sum (i64.add (local.get $sum)
        (call_indirect (type $binary) (call $next) (global.get $step)
          (i32.add (i32.const 1) (i32.rem_u (local.get $i) (i32.const 3))))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
        (i32.const 60))))
    (i64.store (i32.const 0) (local.get $sum)))
  (func (export "values") (local $i i32) (local $bits i64)
    (loop $again
      (call $both (call $next)) (i64.xor) (i64.popcnt) (local.set $bits)
      (i64.store offset=8 (i32.mul (local.get $i) (i32.const 8)) (i64.extend32_s (call $next)))
      (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (local.get $bits)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
        (i32.const 50)))))
  (func (export "blocks") (local $i i32)
    (block $out
      (loop $again
        (block $two (block $one (block $zero
          (br_table $zero $one $two $out (i32.and (local.get $i) (i32.const 3))))
          (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 5)))
          (local.set $i (i32.add (local.get $i) (i32.const 5))) (br $again))
          (i32.store (i32.const 4) (i32.add (i32.load (i32.const 4)) (i32.const 7)))
          (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $again))
        (memory.copy (i32.const 16) (i32.const 1024) (i32.const 7))
        (memory.fill (i32.const 32) (i32.const 9) (i32.const 20))
        (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $again))))
  (func (export "wide") (local i64 i64)
    (i64.mul_wide_u (call $next) (call $next)) (local.set 1) (local.set 0)
    (i64.add128 (local.get 0) (local.get 1) (call $next) (i64.const 0))
    (local.set 1) (local.set 0)
    (i64.store (i32.const 0) (local.get 0)) (i64.store (i32.const 8) (local.get 1))
    (i32.store (i32.const 16) (memory.grow (i32.const 1)))
    (i32.store (i32.const 20) (memory.size))
    (call $output (i32.const 0) (select (i32.const 4) (i32.const 8) (call $input_size))))
  (func (export "traps") (i64.store (i32.const 0) (i64.const 5))
    (i64.store (i32.const 8) (i64.div_s (call $fib (i64.const 9)) (i64.load (i32.const 512))))))
"""

JAVA_TEXT: Final = """
(module
  (import "quorate" "input_size" (func $input_size (result i32)))
  (rec
    (type $node (sub (struct (field $next (mut (ref null $node))) (field $value (mut i64)))))
    (type $leaf (sub $node (struct (field (mut (ref null $node))) (field (mut i64)) (field f64))))
    (type $bytes (array (mut i8)))
    (type $visit (func (param (ref null $node)) (result i64))))
  (memory (export "memory") 1)
  (tag $thrown (param i64))
  (global $head (mut (ref null $node)) (ref.null $node))
  (global $real (mut f64) (f64.const 0.5))
  (elem declare func $sum)
  (func $push (param i64)
    (global.set $head (struct.new $leaf (global.get $head) (local.get 0) (global.get $real))))
  (func $sum (type $visit)
    (if (result i64) (ref.is_null (local.get 0)) (then (i64.const 0))
      (else (i64.add (struct.get $node $value (local.get 0))
        (call_ref $visit (struct.get $node $next (local.get 0)) (ref.func $sum))))))
  (func $dive (param i32)
    (if (i32.eqz (local.get 0)) (then (throw $thrown (i64.const 77))))
    (call $dive (i32.sub (local.get 0) (i32.const 1))))
  (func $caught (param i32) (result i64)
    (block $handler (result i64)
      (try_table (result i64) (catch $thrown $handler) (call $dive (local.get 0)) (i64.const 1))))
  (func (export "lists") (local $i i32)
    (loop $again
      (call $push (i64.extend_i32_u (local.get $i)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
        (i32.const 40))))
    (i64.store (i32.const 0) (call $sum (global.get $head)))
    (i32.store (i32.const 8) (ref.test (ref $leaf) (global.get $head)))
    (drop (block $not (result (ref null $node))
      (i32.store (i32.const 12) (i32.const 1))
      (br_on_cast_fail $not (ref null $node) (ref $leaf) (global.get $head)))))
  (func (export "arrays") (local $a (ref $bytes))
    (local.set $a (array.new $bytes (i32.const 7) (i32.const 30)))
    (array.set $bytes (local.get $a) (i32.const 3) (call $input_size))
    (array.copy $bytes $bytes (local.get $a) (i32.const 10) (local.get $a) (i32.const 0)
      (i32.const 10))
    (array.fill $bytes (local.get $a) (i32.const 20) (i32.const 2) (i32.const 5))
    (i32.store (i32.const 0) (array.get_u $bytes (local.get $a) (i32.const 13)))
    (i32.store (i32.const 4) (array.len (array.new_fixed $bytes 3 (i32.const 1) (i32.const 2)
      (i32.const 3)))))
  (func (export "catches") (local $i i32)
    (loop $again
      (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (call $caught (i32.const 60))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
        (i32.const 300)))))
  (func (export "reals")
    (f64.store (i32.const 0) (f64.div (f64.sqrt (f64.const 2)) (global.get $real)))
    (i32.store (i32.const 8) (i32.trunc_sat_f64_s (f64.nearest (f64.const -3.5))))
    (f64.store (i32.const 16) (f64.div (f64.const 0) (f64.const 0))))
  (func (export "uncaught") (i64.store (i32.const 0) (i64.const 5)) (call $dive (i32.const 5))))
"""


@functools.cache
def build_plain() -> bytes:
    """Return the plain program as a binary."""
    return bytes(wasmtime.wat2wasm(PLAIN_TEXT))


@functools.cache
def build_java() -> bytes:
    """Return the Java profile's program as a binary."""
    return bytes(wasmtime.wat2wasm(JAVA_TEXT))
