;; Attack guest: looks for what the patient before left in a global or in memory, then leaves its own bytes everywhere.
;; Written by hand, since safe Rust reads no memory that it did not write. Returns what was there before, and what is there
;; after: the second number shows that the first would have been seen.
(module
  (memory (export "memory") 2)
  (global $left (mut i64) (i64.const 0))
  (global $free (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free)
    (global.set $free (i32.and (i32.add (i32.add (global.get $free) (local.get 3)) (i32.const 7)) (i32.const -8))))

  ;; Words that are not 0 from $at up to $end, each of which becomes the canary.
  (func $sweep (param $at i32) (param $end i32) (result i64) (local $seen i64)
    (loop $next
      (local.set $seen (i64.add (local.get $seen)
        (i64.extend_i32_u (i64.ne (i64.load (local.get $at)) (i64.const 0)))))
      (i64.store (local.get $at) (i64.const 0x435f59524e41435f))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $seen))

  ;; The global, the first page above what is answered with, and all that was grown.
  (func $look (result f64) (local $seen i64)
    (local.set $seen (i64.extend_i32_u (i64.ne (global.get $left) (i64.const 0))))
    (global.set $left (i64.const 0x435f59524e41435f))
    (local.set $seen (i64.add (local.get $seen) (call $sweep (i32.const 4096) (i32.const 65536))))
    (local.set $seen (i64.add (local.get $seen)
      (call $sweep (i32.const 131072) (i32.mul (memory.size) (i32.const 65536)))))
    (f64.convert_i64_u (local.get $seen)))

  (func (export "map-patient") (param i32 i32 i32 i32 i32) (result i32)
    (drop (memory.grow (i32.const 62)))
    (f64.store (i32.const 1024) (call $look))
    (f64.store (i32.const 1032) (call $look))
    (i32.store (i32.const 512) (i32.const 1024)) (i32.store (i32.const 516) (i32.const 2))
    (i32.store (i32.const 500) (i32.const 512)) (i32.store (i32.const 504) (i32.const 1))
    (i32.const 500)))
