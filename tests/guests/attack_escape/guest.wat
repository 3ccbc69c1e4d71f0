(;
  Attack guest: tries to leave its sandbox. Each attempt stands behind a comment with its name; the first voxel of the
  patient says which one is made: 1991 for the first. Any other patient gets the default contribution, and so does one whose
  attempt fails. Attempts that are answered return 1 where they reached what they should not.
;)
(module
  (type $plain (func))
  (type $other (func (param f64) (result f64)))
  (import "trocar:guest/imaging@0.1.1" "[method]patient.open" (func $open (param i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]patient.column" (func $column (param i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[method]volume.read-s16" (func $read (param i32 i32 i32 i32)))
  (import "trocar:guest/imaging@0.1.1" "[resource-drop]volume" (func $drop (param i32)))
  (memory (export "memory") 2)
  (table $t 4 funcref)
  (elem (table $t) (i32.const 0) func $nothing)
  (elem (table $t) (i32.const 2) func $deeper)
  (data $passive "12345678")
  (func $nothing)
  (func $deep (call $deep) (call $deep))
  (func $deeper (call_indirect $t (type $plain) (i32.const 2)) (call $nothing))
  ;; Slabs lie over each other: nobody looks at more than the first voxel.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func $answer (param $seen f64) (result i32)
    (f64.store (i32.const 520) (local.get $seen))
    (i32.store (i32.const 512) (i32.const 520)) (i32.store (i32.const 516) (i32.const 1))
    (i32.store (i32.const 500) (i32.const 512)) (i32.store (i32.const 504) (i32.const 1))
    (i32.const 500))
  ;; A slab that must be out of range (3, in the order of the contract).
  (func $outside (param $h i32) (param $first i32) (param $count i32) (result i32)
    (call $read (local.get $h) (local.get $first) (local.get $count) (i32.const 64))
    (call $answer (f64.convert_i32_u (i32.eqz (i32.and
      (i32.eq (i32.load8_u (i32.const 64)) (i32.const 1)) (i32.eq (i32.load8_u (i32.const 68)) (i32.const 3)))))))
  (func (export "map-patient") (param $patient i32) (param i32 i32 i32 i32) (result i32)
    (local $h i32) (local $i i32) (local $voxel i32)
    (call $open (local.get $patient) (i32.const 0) (i32.const 64))
    (local.set $h (i32.load (i32.const 68)))
    (call $read (local.get $h) (i32.const 0) (i32.const 1) (i32.const 64))
    (local.set $voxel (i32.load16_s (i32.load (i32.const 68))))
    ;; a load beyond memory
    (if (i32.eq (local.get $voxel) (i32.const 1991))
      (then (drop (i32.load (i32.const -4)))))
    ;; a load at an offset of 4 GiB
    (if (i32.eq (local.get $voxel) (i32.const 1992))
      (then (drop (i32.load offset=4294967295 (i32.const 0)))))
    ;; a store over the end of memory
    (if (i32.eq (local.get $voxel) (i32.const 1993))
      (then (i32.store (i32.const 131070) (i32.const 7))))
    ;; a vector over the end of memory
    (if (i32.eq (local.get $voxel) (i32.const 1994))
      (then (drop (v128.load (i32.const 131057)))))
    ;; memory.copy over the end
    (if (i32.eq (local.get $voxel) (i32.const 1995))
      (then (memory.copy (i32.const 131000) (i32.const 0) (i32.const 1000))))
    ;; memory.fill of 4 GiB
    (if (i32.eq (local.get $voxel) (i32.const 1996))
      (then (memory.fill (i32.const 0) (i32.const 1) (i32.const -1))))
    ;; memory.init beyond its segment
    (if (i32.eq (local.get $voxel) (i32.const 1997))
      (then (memory.init $passive (i32.const 0) (i32.const 1) (i32.const 8))))
    ;; table.get beyond the table
    (if (i32.eq (local.get $voxel) (i32.const 1998))
      (then (drop (table.get $t (i32.const 4)))))
    ;; table.set beyond the table
    (if (i32.eq (local.get $voxel) (i32.const 1999))
      (then (table.set $t (i32.const -1) (ref.null func))))
    ;; a call beyond the table
    (if (i32.eq (local.get $voxel) (i32.const 2000))
      (then (call_indirect $t (type $plain) (i32.const 4))))
    ;; a call of an empty entry
    (if (i32.eq (local.get $voxel) (i32.const 2001))
      (then (call_indirect $t (type $plain) (i32.const 1))))
    ;; a call by another type
    (if (i32.eq (local.get $voxel) (i32.const 2002))
      (then (drop (call_indirect $t (type $other) (f64.const 1) (i32.const 0)))))
    ;; recursion without end
    (if (i32.eq (local.get $voxel) (i32.const 2003))
      (then (call $deep)))
    ;; recursion through a table
    (if (i32.eq (local.get $voxel) (i32.const 2004))
      (then (call_indirect $t (type $plain) (i32.const 2))))
    ;; memory of 4 GiB
    (if (i32.eq (local.get $voxel) (i32.const 2005))
      (then (drop (memory.grow (i32.const 65000)))))
    ;; a table of ten million
    (if (i32.eq (local.get $voxel) (i32.const 2006))
      (then (drop (table.grow $t (ref.null func) (i32.const 10000000)))))
    ;; the handle 0
    (if (i32.eq (local.get $voxel) (i32.const 2007))
      (then (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 64))))
    ;; the handle -1
    (if (i32.eq (local.get $voxel) (i32.const 2008))
      (then (call $read (i32.const -1) (i32.const 0) (i32.const 1) (i32.const 64))))
    ;; a handle that nobody gave
    (if (i32.eq (local.get $voxel) (i32.const 2009))
      (then (call $read (i32.const 77) (i32.const 0) (i32.const 1) (i32.const 64))))
    ;; a patient as a volume
    (if (i32.eq (local.get $voxel) (i32.const 2010))
      (then (call $read (local.get $patient) (i32.const 0) (i32.const 1) (i32.const 64))))
    ;; a volume as a patient
    (if (i32.eq (local.get $voxel) (i32.const 2011))
      (then (call $open (local.get $h) (i32.const 0) (i32.const 64))))
    ;; a volume after its drop
    (if (i32.eq (local.get $voxel) (i32.const 2012))
      (then (call $drop (local.get $h)) (call $read (local.get $h) (i32.const 0) (i32.const 1) (i32.const 64))))
    ;; a volume dropped twice
    (if (i32.eq (local.get $voxel) (i32.const 2013))
      (then (call $drop (local.get $h)) (call $drop (local.get $h))))
    ;; a drop of a handle that nobody gave
    (if (i32.eq (local.get $voxel) (i32.const 2014))
      (then (call $drop (i32.const 77))))
    ;; a thousand handles
    (if (i32.eq (local.get $voxel) (i32.const 2015))
      (then (loop $more (call $open (local.get $patient) (i32.const 0) (i32.const 64)) (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $more (i32.lt_u (local.get $i) (i32.const 1000))))))
    ;; a name over the end of memory
    (if (i32.eq (local.get $voxel) (i32.const 2016))
      (then (call $column (local.get $patient) (i32.const 131071) (i32.const 4096) (i32.const 64))))
    ;; a name of 4 GiB
    (if (i32.eq (local.get $voxel) (i32.const 2017))
      (then (call $column (local.get $patient) (i32.const 0) (i32.const -1) (i32.const 64))))
    ;; a name of 100,000 bytes
    (if (i32.eq (local.get $voxel) (i32.const 2018))
      (then (memory.fill (i32.const 2048) (i32.const 97) (i32.const 100000)) (call $column (local.get $patient) (i32.const 2048) (i32.const 100000) (i32.const 64))))
    ;; a name that is no text
    (if (i32.eq (local.get $voxel) (i32.const 2019))
      (then (i32.store (i32.const 2048) (i32.const -1)) (call $column (local.get $patient) (i32.const 2048) (i32.const 4) (i32.const 64))))
    ;; an answer over the end of memory
    (if (i32.eq (local.get $voxel) (i32.const 2020))
      (then (call $read (local.get $h) (i32.const 0) (i32.const 1) (i32.const -8))))
    ;; an answer at an odd place
    (if (i32.eq (local.get $voxel) (i32.const 2021))
      (then (call $read (local.get $h) (i32.const 0) (i32.const 1) (i32.const 65))))
    ;; outputs beyond memory
    (if (i32.eq (local.get $voxel) (i32.const 2022))
      (then (return (i32.const -8))))
    ;; outputs at an odd place
    (if (i32.eq (local.get $voxel) (i32.const 2023))
      (then (return (i32.const 501))))
    ;; 4 thousand million outputs
    (if (i32.eq (local.get $voxel) (i32.const 2024))
      (then (i32.store (i32.const 500) (i32.const 0)) (i32.store (i32.const 504) (i32.const -1)) (return (i32.const 500))))
    ;; an output of 4 thousand million
    (if (i32.eq (local.get $voxel) (i32.const 2025))
      (then (i32.store (i32.const 512) (i32.const 0)) (i32.store (i32.const 516) (i32.const -1)) (i32.store (i32.const 500) (i32.const 512)) (i32.store (i32.const 504) (i32.const 1)) (return (i32.const 500))))
    ;; outputs that overlap
    (if (i32.eq (local.get $voxel) (i32.const 2026))
      (then (loop $more (i32.store (i32.add (i32.const 2048) (local.get $i)) (i32.const 0)) (i32.store (i32.add (i32.const 2052) (local.get $i)) (i32.const 16000)) (local.set $i (i32.add (local.get $i) (i32.const 8))) (br_if $more (i32.lt_u (local.get $i) (i32.const 80000)))) (i32.store (i32.const 500) (i32.const 2048)) (i32.store (i32.const 504) (i32.const 10000)) (return (i32.const 500))))
    ;; a slab of 0 from 0
    (if (i32.eq (local.get $voxel) (i32.const 2027))
      (then (return (call $outside (local.get $h) (i32.const 0) (i32.const 0)))))
    ;; a slab of 5 from 0
    (if (i32.eq (local.get $voxel) (i32.const 2028))
      (then (return (call $outside (local.get $h) (i32.const 0) (i32.const 5)))))
    ;; a slab of 1 from 4
    (if (i32.eq (local.get $voxel) (i32.const 2029))
      (then (return (call $outside (local.get $h) (i32.const 4) (i32.const 1)))))
    ;; a slab of 1 from 4294967295
    (if (i32.eq (local.get $voxel) (i32.const 2030))
      (then (return (call $outside (local.get $h) (i32.const -1) (i32.const 1)))))
    ;; a slab of 4294967295 from 1
    (if (i32.eq (local.get $voxel) (i32.const 2031))
      (then (return (call $outside (local.get $h) (i32.const 1) (i32.const -1)))))
    ;; a slab of 2147483648 from 2147483648
    (if (i32.eq (local.get $voxel) (i32.const 2032))
      (then (return (call $outside (local.get $h) (i32.const -2147483648) (i32.const -2147483648)))))
    ;; a slab of 4294967295 from 4294967295
    (if (i32.eq (local.get $voxel) (i32.const 2033))
      (then (return (call $outside (local.get $h) (i32.const -1) (i32.const -1)))))
    (call $answer (f64.const 0))))
