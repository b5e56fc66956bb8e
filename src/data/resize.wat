;; The two passes of a resize of RGB bytes, SPEC §12, on 128-bit vectors. The host lays out the memory and computes the
;; weights (whole numbers of 1/2^22). The passes write up to 31 bytes past the last result and read up to 52 past the
;; last picture byte: the host leaves that room.
;;
;; resize_wasm.ts holds this module's bytes: wat2wasm resize.wat, then base64.
(module
  (memory (export "memory") 1)

  ;; Rows of `pitch` bytes become rows of `width` pixels. `first`: byte offset of each result's first pixel in its row;
  ;; `count`: bytes of weights of each result; `weights`: `stride` bytes for each result.
  (func (export "columns")
    (param $src i32) (param $out i32) (param $rows i32) (param $pitch i32) (param $width i32)
    (param $first i32) (param $count i32) (param $weights i32) (param $stride i32)
    (local $x i32) (local $w i32) (local $end i32) (local $from i32) (local $row i32) (local $sum v128)
    (loop $eachRow
      (local.set $x (i32.const 0))
      (local.set $row (local.get $weights))
      (loop $eachPixel
        (local.set $from (i32.add (local.get $src) (i32.load (i32.add (local.get $first) (local.get $x)))))
        (local.set $w (local.get $row))
        (local.set $end (i32.add (local.get $w) (i32.load (i32.add (local.get $count) (local.get $x)))))
        (local.set $sum (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (loop $eachTap
          ;; Red, green, blue and, unused, the next pixel's red.
          (local.set $sum (i32x4.add (local.get $sum)
            (i32x4.mul
              (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (v128.load32_zero (local.get $from))))
              (v128.load32_splat (local.get $w)))))
          (local.set $from (i32.add (local.get $from) (i32.const 3)))
          (local.set $w (i32.add (local.get $w) (i32.const 4)))
          (br_if $eachTap (i32.lt_u (local.get $w) (local.get $end))))
        ;; Clipped to 0 … 255 by the narrowing; the fourth byte is overwritten by the next pixel.
        (local.set $sum (i32x4.shr_s (local.get $sum) (i32.const 22)))
        (local.set $sum (i16x8.narrow_i32x4_s (local.get $sum) (local.get $sum)))
        (v128.store32_lane 0 (local.get $out) (i8x16.narrow_i16x8_u (local.get $sum) (local.get $sum)))
        (local.set $out (i32.add (local.get $out) (i32.const 3)))
        (local.set $row (i32.add (local.get $row) (local.get $stride)))
        (local.set $x (i32.add (local.get $x) (i32.const 4)))
        (br_if $eachPixel (i32.lt_u (local.get $x) (i32.shl (local.get $width) (i32.const 2)))))
      (local.set $src (i32.add (local.get $src) (local.get $pitch)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $eachRow (local.get $rows))))

  ;; Rows of `pitch` bytes become `rows` rows of as many. `first`: byte offset of each result's first row.
  (func (export "rows")
    (param $src i32) (param $out i32) (param $rows i32) (param $pitch i32)
    (param $first i32) (param $count i32) (param $weights i32) (param $stride i32)
    (local $x i32) (local $w i32) (local $end i32) (local $from i32) (local $to i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $pixels v128) (local $half v128) (local $weight v128)
    (loop $eachRow
      (local.set $x (i32.const 0))
      (local.set $end (i32.add (local.get $weights) (i32.load (local.get $count))))
      ;; Sixteen bytes of the row at a time.
      (loop $eachColumn
        (local.set $from (i32.add (i32.add (local.get $src) (local.get $x)) (i32.load (local.get $first))))
        (local.set $w (local.get $weights))
        (local.set $a (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $b (local.get $a))
        (local.set $c (local.get $a))
        (local.set $d (local.get $a))
        (loop $eachTap
          (local.set $pixels (v128.load (local.get $from)))
          (local.set $weight (v128.load32_splat (local.get $w)))
          (local.set $half (i16x8.extend_low_i8x16_u (local.get $pixels)))
          (local.set $a (i32x4.add (local.get $a)
            (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $half)) (local.get $weight))))
          (local.set $b (i32x4.add (local.get $b)
            (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $half)) (local.get $weight))))
          (local.set $half (i16x8.extend_high_i8x16_u (local.get $pixels)))
          (local.set $c (i32x4.add (local.get $c)
            (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $half)) (local.get $weight))))
          (local.set $d (i32x4.add (local.get $d)
            (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $half)) (local.get $weight))))
          (local.set $from (i32.add (local.get $from) (local.get $pitch)))
          (local.set $w (i32.add (local.get $w) (i32.const 4)))
          (br_if $eachTap (i32.lt_u (local.get $w) (local.get $end))))
        (v128.store (i32.add (local.get $out) (local.get $x))
          (i8x16.narrow_i16x8_u
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s (local.get $a) (i32.const 22)) (i32x4.shr_s (local.get $b) (i32.const 22)))
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s (local.get $c) (i32.const 22)) (i32x4.shr_s (local.get $d) (i32.const 22)))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (br_if $eachColumn (i32.lt_u (local.get $x) (local.get $pitch))))
      (local.set $out (i32.add (local.get $out) (local.get $pitch)))
      (local.set $weights (i32.add (local.get $weights) (local.get $stride)))
      (local.set $first (i32.add (local.get $first) (i32.const 4)))
      (local.set $count (i32.add (local.get $count) (i32.const 4)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $eachRow (local.get $rows))))

  ;; The quick passes: weights of 1/2^15 and sums of 1/128 in eight lanes of 16 bits, off by one level at most.

  ;; As "rows", but the results stay in 16 bits; `count`: bytes of weights of 16 bits.
  (func (export "quickRows")
    (param $src i32) (param $out i32) (param $rows i32) (param $pitch i32)
    (param $first i32) (param $count i32) (param $weights i32) (param $stride i32)
    (local $x i32) (local $w i32) (local $end i32) (local $from i32)
    (local $a v128) (local $b v128) (local $pixels v128) (local $weight v128)
    (loop $eachRow
      (local.set $x (i32.const 0))
      (local.set $end (i32.add (local.get $weights) (i32.load (local.get $count))))
      (loop $eachColumn
        (local.set $from (i32.add (i32.add (local.get $src) (local.get $x)) (i32.load (local.get $first))))
        (local.set $w (local.get $weights))
        (local.set $a (v128.const i64x2 0 0))
        (local.set $b (local.get $a))
        (loop $eachTap
          (local.set $pixels (v128.load (local.get $from)))
          (local.set $weight (v128.load16_splat (local.get $w)))
          (local.set $a (i16x8.add_sat_s (local.get $a) (i16x8.relaxed_q15mulr_s
            (i16x8.shl (i16x8.extend_low_i8x16_u (local.get $pixels)) (i32.const 7)) (local.get $weight))))
          (local.set $b (i16x8.add_sat_s (local.get $b) (i16x8.relaxed_q15mulr_s
            (i16x8.shl (i16x8.extend_high_i8x16_u (local.get $pixels)) (i32.const 7)) (local.get $weight))))
          (local.set $from (i32.add (local.get $from) (local.get $pitch)))
          (local.set $w (i32.add (local.get $w) (i32.const 2)))
          (br_if $eachTap (i32.lt_u (local.get $w) (local.get $end))))
        (local.set $from (i32.add (local.get $out) (i32.shl (local.get $x) (i32.const 1))))
        (v128.store (local.get $from) (local.get $a))
        (v128.store offset=16 (local.get $from) (local.get $b))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (br_if $eachColumn (i32.lt_u (local.get $x) (local.get $pitch))))
      (local.set $out (i32.add (local.get $out) (i32.shl (local.get $pitch) (i32.const 1))))
      (local.set $weights (i32.add (local.get $weights) (local.get $stride)))
      (local.set $first (i32.add (local.get $first) (i32.const 4)))
      (local.set $count (i32.add (local.get $count) (i32.const 4)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $eachRow (local.get $rows))))

  ;; As "columns", from pixels of three times 16 bits. Two pixels fit in a vector: their weights stand as eight of 16 bits,
  ;; three for each pixel and two of 0. Six pixels are taken at a time, so that the usual results need no second round.
  (func (export "quickColumns")
    (param $src i32) (param $out i32) (param $rows i32) (param $pitch i32) (param $width i32)
    (param $first i32) (param $count i32) (param $weights i32) (param $stride i32)
    (local $x i32) (local $w i32) (local $end i32) (local $from i32) (local $row i32) (local $sum v128)
    (loop $eachRow
      (local.set $x (i32.const 0))
      (local.set $row (local.get $weights))
      (loop $eachPixel
        (local.set $from (i32.add (local.get $src) (i32.load (i32.add (local.get $first) (local.get $x)))))
        (local.set $w (local.get $row))
        (local.set $end (i32.add (local.get $w) (i32.load (i32.add (local.get $count) (local.get $x)))))
        (local.set $sum (v128.const i16x8 64 64 64 0 0 0 0 0))
        (loop $eachSix
          (local.set $sum (i16x8.add_sat_s
            (i16x8.add_sat_s (local.get $sum)
              (i16x8.relaxed_q15mulr_s (v128.load (local.get $from)) (v128.load (local.get $w))))
            (i16x8.add_sat_s
              (i16x8.relaxed_q15mulr_s (v128.load offset=12 (local.get $from)) (v128.load offset=16 (local.get $w)))
              (i16x8.relaxed_q15mulr_s (v128.load offset=24 (local.get $from)) (v128.load offset=32 (local.get $w))))))
          (local.set $from (i32.add (local.get $from) (i32.const 36)))
          (local.set $w (i32.add (local.get $w) (i32.const 48)))
          (br_if $eachSix (i32.lt_u (local.get $w) (local.get $end))))
        ;; The second pixels' sums onto the first ones'.
        (local.set $sum (i16x8.add_sat_s (local.get $sum)
          (i8x16.shuffle 6 7 8 9 10 11 12 13 14 15 14 15 14 15 14 15 (local.get $sum) (local.get $sum))))
        (local.set $sum (i16x8.shr_s (local.get $sum) (i32.const 7)))
        (v128.store32_lane 0 (local.get $out) (i8x16.narrow_i16x8_u (local.get $sum) (local.get $sum)))
        (local.set $out (i32.add (local.get $out) (i32.const 3)))
        (local.set $row (i32.add (local.get $row) (local.get $stride)))
        (local.set $x (i32.add (local.get $x) (i32.const 4)))
        (br_if $eachPixel (i32.lt_u (local.get $x) (i32.shl (local.get $width) (i32.const 2)))))
      (local.set $src (i32.add (local.get $src) (local.get $pitch)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $eachRow (local.get $rows))))
  ;; The planes of a JPEG, before colours are mixed, one number a pixel. Between the passes a pixel is 127 times its distance from 128;
  ;; the weights of the columns make 64 times of it.

  ;; One row of a plane, 32 pixels at a time, up to 31 more than $width: rows in pairs, their weights two bytes, from $w to $end.
  (func $planeRow
    (param $src i32) (param $out i32) (param $width i32) (param $pitch i32) (param $weights i32) (param $end i32)
    (local $stop i32) (local $from i32) (local $w i32) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $p v128) (local $q v128) (local $weight v128) (local $middle v128)
    (local.set $middle (i8x16.splat (i32.const 128)))
    (local.set $stop (i32.add (local.get $src) (local.get $width)))
    (loop $each32
      (local.set $from (local.get $src))
      (local.set $w (local.get $weights))
      (local.set $a (v128.const i64x2 0 0))
      (local.set $b (local.get $a))
      (local.set $c (local.get $a))
      (local.set $d (local.get $a))
      (loop $eachPair
        (local.set $weight (v128.load16_splat (local.get $w)))
        (local.set $p (v128.xor (v128.load (local.get $from)) (local.get $middle)))
        (local.set $q (v128.xor (v128.load (i32.add (local.get $from) (local.get $pitch))) (local.get $middle)))
        (local.set $a (i16x8.add (local.get $a) (i16x8.relaxed_dot_i8x16_i7x16_s
          (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $p) (local.get $q)) (local.get $weight))))
        (local.set $b (i16x8.add (local.get $b) (i16x8.relaxed_dot_i8x16_i7x16_s
          (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $p) (local.get $q)) (local.get $weight))))
        (local.set $p (v128.xor (v128.load offset=16 (local.get $from)) (local.get $middle)))
        (local.set $q (v128.xor (v128.load offset=16 (i32.add (local.get $from) (local.get $pitch))) (local.get $middle)))
        (local.set $c (i16x8.add (local.get $c) (i16x8.relaxed_dot_i8x16_i7x16_s
          (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $p) (local.get $q)) (local.get $weight))))
        (local.set $d (i16x8.add (local.get $d) (i16x8.relaxed_dot_i8x16_i7x16_s
          (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $p) (local.get $q)) (local.get $weight))))
        (local.set $from (i32.add (local.get $from) (i32.shl (local.get $pitch) (i32.const 1))))
        (br_if $eachPair (i32.lt_u (local.tee $w (i32.add (local.get $w) (i32.const 2))) (local.get $end))))
      (v128.store (local.get $out) (local.get $a))
      (v128.store offset=16 (local.get $out) (local.get $b))
      (v128.store offset=32 (local.get $out) (local.get $c))
      (v128.store offset=48 (local.get $out) (local.get $d))
      (local.set $out (i32.add (local.get $out) (i32.const 64)))
      (br_if $each32 (i32.lt_u (local.tee $src (i32.add (local.get $src) (i32.const 32))) (local.get $stop)))))

;; Eight rows of $from bytes each, one after the other, 16 bits a pixel, become columns: eight pixels of one column stand together,
  ;; $step bytes from one column to the next. $columns: a multiple of eight.
  (func $turn (param $src i32) (param $from i32) (param $out i32) (param $step i32) (param $columns i32)
    (local $stop i32) (local $at i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $e v128) (local $f v128) (local $g v128) (local $h v128)
    (local $p v128) (local $q v128) (local $r v128) (local $s v128)
    (local.set $stop (i32.add (local.get $src) (i32.shl (local.get $columns) (i32.const 1))))
    (loop $eachEight
      (local.set $a (v128.load (local.get $src)))
      (local.set $b (v128.load (local.tee $at (i32.add (local.get $src) (local.get $from)))))
      (local.set $c (v128.load (local.tee $at (i32.add (local.get $at) (local.get $from)))))
      (local.set $d (v128.load (local.tee $at (i32.add (local.get $at) (local.get $from)))))
      (local.set $e (v128.load (local.tee $at (i32.add (local.get $at) (local.get $from)))))
      (local.set $f (v128.load (local.tee $at (i32.add (local.get $at) (local.get $from)))))
      (local.set $g (v128.load (local.tee $at (i32.add (local.get $at) (local.get $from)))))
      (local.set $h (v128.load (i32.add (local.get $at) (local.get $from))))
      ;; Pairs of rows, then fours; columns 0 … 3 and 4 … 7.
      (local.set $p (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $a) (local.get $b)))
      (local.set $b (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $a) (local.get $b)))
      (local.set $q (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $c) (local.get $d)))
      (local.set $d (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $c) (local.get $d)))
      (local.set $r (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $e) (local.get $f)))
      (local.set $f (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $e) (local.get $f)))
      (local.set $s (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $g) (local.get $h)))
      (local.set $h (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $g) (local.get $h)))
      (local.set $a (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $p) (local.get $q)))
      (local.set $p (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $p) (local.get $q)))
      (local.set $c (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $b) (local.get $d)))
      (local.set $b (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $b) (local.get $d)))
      (local.set $e (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $r) (local.get $s)))
      (local.set $r (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $r) (local.get $s)))
      (local.set $g (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $f) (local.get $h)))
      (local.set $f (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $f) (local.get $h)))
      (v128.store (local.get $out) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $a) (local.get $e)))
      (v128.store (local.tee $out (i32.add (local.get $out) (local.get $step))) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $a) (local.get $e)))
      (v128.store (local.tee $out (i32.add (local.get $out) (local.get $step))) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $p) (local.get $r)))
      (v128.store (local.tee $out (i32.add (local.get $out) (local.get $step))) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $p) (local.get $r)))
      (v128.store (local.tee $out (i32.add (local.get $out) (local.get $step))) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $c) (local.get $g)))
      (v128.store (local.tee $out (i32.add (local.get $out) (local.get $step))) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $c) (local.get $g)))
      (v128.store (local.tee $out (i32.add (local.get $out) (local.get $step))) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $b) (local.get $f)))
      (v128.store (local.tee $out (i32.add (local.get $out) (local.get $step))) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $b) (local.get $f)))
      (local.set $out (i32.add (local.get $out) (local.get $step)))
      (br_if $eachEight (i32.lt_u (local.tee $src (i32.add (local.get $src) (i32.const 16))) (local.get $stop)))))

  ;; Eight rows of a plane's result, turned. $rows: their three numbers each.
  (func $eightRows
    (param $plane i32) (param $pitch i32) (param $rows i32) (param $weights i32) (param $line i32) (param $out i32) (param $step i32)
    (local $to i32) (local $end i32) (local $apart i32)
    ;; A little more than a row, for places a power of two apart get in each other's way in caches.
    (local.set $apart (i32.add (i32.shl (local.get $pitch) (i32.const 1)) (i32.const 64)))
    (local.set $to (local.get $line))
    (local.set $end (i32.add (local.get $rows) (i32.const 96)))
    (loop $eachRow
      (call $planeRow (i32.add (local.get $plane) (i32.load (local.get $rows))) (local.get $to)
        (local.get $pitch) (local.get $pitch)
        (i32.add (local.get $weights) (i32.load offset=4 (local.get $rows)))
        (i32.add (local.get $weights) (i32.load offset=8 (local.get $rows))))
      (local.set $to (i32.add (local.get $to) (local.get $apart)))
      (br_if $eachRow (i32.lt_u (local.tee $rows (i32.add (local.get $rows) (i32.const 12))) (local.get $end))))
    (call $turn (local.get $line) (local.get $apart) (local.get $out) (local.get $step) (local.get $pitch)))

  ;; Columns of eight pixels of brightness ($y), and of both chroma planes in turn ($c), become columns of eight pixels of four bytes:
  ;; red, green, blue, 0. Taps come in pairs, as many for every result; $yFirst, $cFirst: the first one's place in bytes.
  ;; R = Y + 1.402 Cr, G = Y - 0.344136 Cb - 0.714136 Cr, B = Y + 1.772 Cb (JFIF), in 1/64 levels.
  ;; Constants are splats made before the loop: engines make a v128.const anew each time.
  (func $across
    (param $y i32) (param $c i32) (param $out i32) (param $width i32)
    (param $yFirst i32) (param $yWeights i32) (param $yBytes i32)
    (param $cFirst i32) (param $cWeights i32) (param $cBytes i32)
    (local $from i32) (local $stop i32) (local $end i32)
    (local $l v128) (local $cb v128) (local $cr v128) (local $weight v128) (local $red v128) (local $green v128) (local $blue v128)
    (local $half v128) (local $redCr v128) (local $greenCb v128) (local $greenCr v128) (local $blueCb v128) (local $zero v128)
    ;; What was subtracted, and a half for rounding.
    (local.set $half (i16x8.splat (i32.const 8224)))
    (local.set $redCr (i16x8.splat (i32.const 13173)))
    (local.set $greenCb (i16x8.splat (i32.const 11277)))
    (local.set $greenCr (i16x8.splat (i32.const 23401)))
    (local.set $blueCb (i16x8.splat (i32.const 7471)))
    (local.set $zero (i16x8.splat (i32.const 0)))
    (local.set $end (i32.add (local.get $out) (i32.shl (local.get $width) (i32.const 5))))
    (loop $eachColumn
      (local.set $from (i32.add (local.get $y) (i32.load (local.get $yFirst))))
      (local.set $stop (i32.add (local.get $yWeights) (local.get $yBytes)))
      (local.set $l (local.get $half))
      (loop $eachPair
        (local.set $l (i16x8.add (local.get $l) (i16x8.relaxed_q15mulr_s
          (v128.load (local.get $from)) (v128.load16_splat (local.get $yWeights)))))
        (local.set $l (i16x8.add (local.get $l) (i16x8.relaxed_q15mulr_s
          (v128.load offset=16 (local.get $from)) (v128.load16_splat offset=2 (local.get $yWeights)))))
        (local.set $from (i32.add (local.get $from) (i32.const 32)))
        (br_if $eachPair (i32.lt_u
          (local.tee $yWeights (i32.add (local.get $yWeights) (i32.const 4))) (local.get $stop))))
      (local.set $from (i32.add (local.get $c) (i32.load (local.get $cFirst))))
      (local.set $stop (i32.add (local.get $cWeights) (local.get $cBytes)))
      (local.set $cb (local.get $zero))
      (local.set $cr (local.get $zero))
      (loop $eachChromaPair
        (local.set $weight (v128.load16_splat (local.get $cWeights)))
        (local.set $cb (i16x8.add (local.get $cb)
          (i16x8.relaxed_q15mulr_s (v128.load (local.get $from)) (local.get $weight))))
        (local.set $cr (i16x8.add (local.get $cr)
          (i16x8.relaxed_q15mulr_s (v128.load offset=16 (local.get $from)) (local.get $weight))))
        (local.set $weight (v128.load16_splat offset=2 (local.get $cWeights)))
        (local.set $cb (i16x8.add (local.get $cb)
          (i16x8.relaxed_q15mulr_s (v128.load offset=32 (local.get $from)) (local.get $weight))))
        (local.set $cr (i16x8.add (local.get $cr)
          (i16x8.relaxed_q15mulr_s (v128.load offset=48 (local.get $from)) (local.get $weight))))
        (local.set $from (i32.add (local.get $from) (i32.const 64)))
        (br_if $eachChromaPair (i32.lt_u
          (local.tee $cWeights (i32.add (local.get $cWeights) (i32.const 4))) (local.get $stop))))
      (local.set $red (i16x8.shr_s (i16x8.add (i16x8.add (local.get $l) (local.get $cr))
        (i16x8.relaxed_q15mulr_s (local.get $cr) (local.get $redCr))) (i32.const 6)))
      (local.set $green (i16x8.shr_s (i16x8.sub (i16x8.sub (local.get $l)
        (i16x8.relaxed_q15mulr_s (local.get $cb) (local.get $greenCb)))
        (i16x8.relaxed_q15mulr_s (local.get $cr) (local.get $greenCr))) (i32.const 6)))
      (local.set $blue (i16x8.shr_s (i16x8.add_sat_s (local.get $l)
        (i16x8.sub (i16x8.add (local.get $cb) (local.get $cb))
          (i16x8.relaxed_q15mulr_s (local.get $cb) (local.get $blueCb)))) (i32.const 6)))
      (local.set $red (i8x16.narrow_i16x8_u (local.get $red) (local.get $red)))
      (local.set $green (i8x16.narrow_i16x8_u (local.get $green) (local.get $green)))
      (local.set $blue (i8x16.narrow_i16x8_u (local.get $blue) (local.get $zero)))
      (local.set $red (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $red) (local.get $green)))
      (local.set $blue (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $blue) (local.get $zero)))
      (v128.store (local.get $out) (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $red) (local.get $blue)))
      (v128.store offset=16 (local.get $out) (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $red) (local.get $blue)))
      (local.set $yFirst (i32.add (local.get $yFirst) (i32.const 4)))
      (local.set $cFirst (i32.add (local.get $cFirst) (i32.const 4)))
      (br_if $eachColumn (i32.lt_u (local.tee $out (i32.add (local.get $out) (i32.const 32))) (local.get $end)))))

  ;; Columns of eight pixels of four bytes become eight rows of RGB bytes, $pitch from one to the next, four columns at a time.
  (func $rgbRows (param $src i32) (param $out i32) (param $pitch i32)
    (local $side i32) (local $end i32) (local $at i32) (local $to i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $p v128) (local $q v128) (local $three v128)
    ;; Of four pixels of four bytes the first three each.
    (local.set $three (i64x2.replace_lane 1 (i64x2.splat (i64.const 0x0908060504020100))
      (i64.const 0x808080800e0d0c0a)))
    (local.set $end (i32.add (local.get $out) (local.get $pitch)))
    (loop $eachFour
      ;; The upper four rows, then the lower four.
      (local.set $side (i32.const 2))
      (local.set $at (local.get $src))
      (local.set $to (local.get $out))
      (loop $eachSide
        (local.set $a (v128.load (local.get $at)))
        (local.set $b (v128.load offset=32 (local.get $at)))
        (local.set $c (v128.load offset=64 (local.get $at)))
        (local.set $d (v128.load offset=96 (local.get $at)))
        (local.set $p (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $a) (local.get $b)))
        (local.set $a (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $a) (local.get $b)))
        (local.set $q (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $c) (local.get $d)))
        (local.set $c (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $c) (local.get $d)))
        (local.set $d (i8x16.swizzle (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $p) (local.get $q)) (local.get $three)))
        (v128.store64_lane 0 (local.get $to) (local.get $d))
        (v128.store32_lane offset=8 2 (local.get $to) (local.get $d))
        (local.set $to (i32.add (local.get $to) (local.get $pitch)))
        (local.set $d (i8x16.swizzle (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $p) (local.get $q)) (local.get $three)))
        (v128.store64_lane 0 (local.get $to) (local.get $d))
        (v128.store32_lane offset=8 2 (local.get $to) (local.get $d))
        (local.set $to (i32.add (local.get $to) (local.get $pitch)))
        (local.set $d (i8x16.swizzle (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $a) (local.get $c)) (local.get $three)))
        (v128.store64_lane 0 (local.get $to) (local.get $d))
        (v128.store32_lane offset=8 2 (local.get $to) (local.get $d))
        (local.set $to (i32.add (local.get $to) (local.get $pitch)))
        (local.set $d (i8x16.swizzle (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $a) (local.get $c)) (local.get $three)))
        (v128.store64_lane 0 (local.get $to) (local.get $d))
        (v128.store32_lane offset=8 2 (local.get $to) (local.get $d))
        (local.set $to (i32.add (local.get $to) (local.get $pitch)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br_if $eachSide (local.tee $side (i32.sub (local.get $side) (i32.const 1)))))
      (local.set $src (i32.add (local.get $src) (i32.const 128)))
      (br_if $eachFour (i32.lt_u (local.tee $out (i32.add (local.get $out) (i32.const 12))) (local.get $end)))))

  ;; Three planes to RGB bytes, eight rows of the result at a time, $groups times. $line: room for what stands between the passes.
  ;; Taps of rows are a table: for each result the first row's place, counted from its plane, and the ends of its weights, counted
  ;; from $weights.
  (func (export "planes")
    (param $y i32) (param $cb i32) (param $cr i32) (param $pitch i32) (param $cPitch i32)
    (param $out i32) (param $outPitch i32) (param $width i32) (param $groups i32)
    (param $line i32) (param $turned i32) (param $cTurned i32) (param $mixed i32)
    (param $yRows i32) (param $yRowWeights i32) (param $cRows i32) (param $cRowWeights i32)
    (param $yFirst i32) (param $yWeights i32) (param $yBytes i32)
    (param $cFirst i32) (param $cWeights i32) (param $cBytes i32)
    (loop $eachGroup
      (call $eightRows (local.get $y) (local.get $pitch) (local.get $yRows) (local.get $yRowWeights)
        (local.get $line) (local.get $turned) (i32.const 16))
      (call $eightRows (local.get $cb) (local.get $cPitch) (local.get $cRows) (local.get $cRowWeights)
        (local.get $line) (local.get $cTurned) (i32.const 32))
      (call $eightRows (local.get $cr) (local.get $cPitch) (local.get $cRows) (local.get $cRowWeights)
        (local.get $line) (i32.add (local.get $cTurned) (i32.const 16)) (i32.const 32))
      (call $across (local.get $turned) (local.get $cTurned) (local.get $mixed) (local.get $width)
        (local.get $yFirst) (local.get $yWeights) (local.get $yBytes)
        (local.get $cFirst) (local.get $cWeights) (local.get $cBytes))
      (call $rgbRows (local.get $mixed) (local.get $out) (local.get $outPitch))
      (local.set $yRows (i32.add (local.get $yRows) (i32.const 96)))
      (local.set $cRows (i32.add (local.get $cRows) (i32.const 96)))
      (local.set $out (i32.add (local.get $out) (i32.shl (local.get $outPitch) (i32.const 3))))
      (br_if $eachGroup (local.tee $groups (i32.sub (local.get $groups) (i32.const 1)))))))
